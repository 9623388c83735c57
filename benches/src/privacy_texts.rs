//! Texts for the bench of the detector: ordinary ones in three languages, with and without personal data, and hostile
//! ones that are made to cost much. All names and numbers are invented.
#![allow(
    clippy::format_collect,
    clippy::format_push_string,
    reason = "texts are made once, before anything is measured"
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Numbers;

/// A text and what to call it in a table.
#[derive(Debug, Clone)]
pub struct NamedText {
    pub name: String,
    pub text: String,
}

const RUSSIAN: [&str; 24] = [
    "Вчера вечером мы обсуждали план ремонта школьной библиотеки, но окончательного решения так и не приняли. ",
    "Если процентная ставка вырастет ещё раз, многие предприятия отложат закупку нового оборудования до весны. ",
    "Напиши, пожалуйста, короткое письмо поставщику: товар пришёл вовремя, но две коробки оказались повреждены. ",
    "В статье говорится, что средняя температура за последние 30 лет поднялась почти на полтора градуса. ",
    "Чтобы тесто получилось воздушным, дайте ему постоять час в тёплом месте и не открывайте духовку раньше времени. ",
    "Отчёт за третий квартал готов, осталось проверить две таблицы и согласовать выводы с финансовым отделом. ",
    "Сравни, пожалуйста, эти три тарифа и скажи, какой из них выгоднее для небольшой семьи из четырёх человек. ",
    "Поезд прибывает на второй путь в 18:45, посадка заканчивается за пять минут до отправления. ",
    "Алгоритм сначала сортирует записи по времени, а потом удаляет повторы, поэтому порядок строк меняется. ",
    "Дети рисовали мелом на асфальте, а старики на скамейке спорили о футболе и о ценах на картошку. ",
    "По словам директора, в новом корпусе разместятся 12 лабораторий, столовая и большой актовый зал. ",
    "Переведи этот абзац на казахский язык и сохрани деловой стиль, без лишних украшений. ",
    "Договор вступает в силу со дня подписания и действует до конца календарного года. ",
    "Мы проверили журнал ошибок: соединение обрывается, когда сервер отвечает дольше тридцати секунд. ",
    "Осенью горы особенно хороши: внизу ещё зелено, а на перевалах уже лежит первый снег. ",
    "Врач посоветовал больше ходить пешком, меньше солить еду и не пропускать осмотры. ",
    "Склад принимает грузы по будням с девяти до шести, заявку нужно подать за день. ",
    "Когда соседка вышла на балкон, во дворе уже никого не было, только ветер гонял листья. ",
    "Цена квадратного метра в этом районе за год выросла на 7,4 процента, и покупатели стали осторожнее. ",
    "Какие книги по истории Средней Азии ты посоветуешь тому, кто только начинает ею интересоваться? ",
    "Функция возвращает пустой список, если ни одна строка не подошла под условие. ",
    "Комиссия рассмотрела заявление и предложила дополнить пакет документов в течение десяти дней. ",
    "На улице Абая снова перекрыли движение, и автобусы идут в объезд через старый мост. ",
    "Составь список вопросов для собеседования с инженером, который будет отвечать за сеть и серверы. ",
];

const KAZAKH: [&str; 20] = [
    "Кеше кешке мектеп кітапханасын жөндеу жоспарын талқыладық, бірақ түпкілікті шешім қабылдаған жоқпыз. ",
    "Егер пайыздық мөлшерлеме тағы көтерілсе, көптеген кәсіпорын жаңа жабдық сатып алуды көктемге қалдырады. ",
    "Жеткізушіге қысқа хат жазып беріңізші: тауар уақытында келді, бірақ екі қорап бүлініп қалыпты. ",
    "Мақалада соңғы 30 жылда орташа температура бір жарым градусқа жуық көтерілгені айтылады. ",
    "Қамыр көпсіп шығуы үшін оны жылы жерде бір сағат ұстаңыз, пешті ерте ашпаңыз. ",
    "Үшінші тоқсанның есебі дайын, екі кестені тексеріп, қорытындысын қаржы бөлімімен келісу ғана қалды. ",
    "Осы үш тарифті салыстырып, төрт адамнан тұратын отбасыға қайсысы тиімді екенін айтыңыз. ",
    "Пойыз екінші жолға 18:45-те келеді, отырғызу жөнелтілуге бес минут қалғанда аяқталады. ",
    "Балалар асфальтқа бормен сурет салып жүрді, ал қариялар орындықта отырып, ауа райы туралы әңгімелесті. ",
    "Директордың айтуынша, жаңа ғимаратта 12 зертхана, асхана және үлкен мәжіліс залы болады. ",
    "Шарт қол қойылған күннен бастап күшіне енеді және күнтізбелік жылдың соңына дейін әрекет етеді. ",
    "Қателер журналын тексердік: сервер отыз секундтан ұзақ жауап берсе, байланыс үзіліп кетеді. ",
    "Күзде таулар ерекше әдемі: етегі әлі жасыл, ал асуларға алғашқы қар түсіп үлгерген. ",
    "Дәрігер көбірек жаяу жүруге, тұзды азайтуға және тексерулерден қалмауға кеңес берді. ",
    "Көрші терезеден қараса, аулада ешкім жоқ екен, тек жел жапырақтарды айдап жүр. ",
    "Бұл ауданда шаршы метрдің бағасы бір жылда 7,4 пайызға өсті, сатып алушылар сақтана бастады. ",
    "Орта Азия тарихын жаңа бастап оқып жүрген адамға қандай кітаптарды ұсынар едіңіз? ",
    "Комиссия өтінішті қарап, құжаттарды он күн ішінде толықтыруды ұсынды. ",
    "Абай даңғылында қозғалыс тағы жабылды, автобустар ескі көпір арқылы айналып өтеді. ",
    "Желі мен серверлерге жауап беретін инженерге арналған сұрақтар тізімін құрастырып беріңіз. ",
];

const ENGLISH: [&str; 20] = [
    "Last night we talked through the plan for the school library, but nobody was ready to decide anything. ",
    "If the interest rate goes up once more, many firms will put off buying new machines until spring. ",
    "Please write a short letter to the supplier: the goods came on time, but two boxes were damaged. ",
    "The article says that the average temperature has risen by almost 1.5 degrees in the last 30 years. ",
    "For a light dough, let it rest for an hour in a warm place and keep the oven door shut. ",
    "The report for the third quarter is done; two tables need a check before finance signs it off. ",
    "Compare these three plans and tell me which one is cheaper for a family of four. ",
    "The train arrives on platform 2 at 18:45, and boarding ends five minutes before departure. ",
    "The algorithm first sorts the rows by time and then drops duplicates, so their order changes. ",
    "Children drew on the pavement with chalk while old men argued about football on the bench. ",
    "According to the director, the new building will hold 12 laboratories, a canteen and a large hall. ",
    "The agreement takes effect on the day of signing and runs until the end of the calendar year. ",
    "We looked through the error log: the connection drops whenever the server needs more than thirty seconds. ",
    "In autumn the mountains are at their best: still green below, with the first snow on the passes. ",
    "The doctor advised more walking, less salt and regular check-ups. ",
    "When the neighbour stepped onto the balcony, the yard was empty except for leaves in the wind. ",
    "The price per square metre in this district went up by 7.4 percent, and buyers grew careful. ",
    "Which books on the history of Central Asia would you recommend to somebody who is just starting? ",
    "The function returns an empty list when no row matches the condition. ",
    "Draw up a list of questions for an interview with an engineer who will look after our servers. ",
];

const CHAT: [&str; 10] = [
    "Клиент Ахметов Данияр Серикович, ИИН 901123300258, просит перевыпустить карту. ",
    "Меня зовут Ольга Петровна, мой телефон +7 701 234 56 78, перезвоните после обеда. ",
    "Тауарды мына мекенжайға жеткізіңіз: Алматы қ., Абай даңғылы, 52-үй, 14-пәтер. ",
    "Please send the invoice to john.carter@example.com and copy my assistant. ",
    "Счёт для возврата: KZ86 125K ZT50 0410 0100, получатель тот же. ",
    "Договор № 45-К/2024 от 12.03.2024, дата рождения 23.11.1990, оклад 450 000 тенге. ",
    "Заказ 48213077 ещё не пришёл, трек-номер RB123456785KZ, что делать дальше? ",
    "Науқас Серік Болатұлы, диагноз J45.0, амбулаторлық карта № 123456. ",
    "My password is Xk7#pQ2vL9, why can I not sign in from 81.18.34.5? ",
    "Авто с номером 123 ABC 02 стоит во дворе с понедельника. ",
];

/// What a route that masks lets out with tokens.
const MASKABLE: [&str; 4] = [
    "Меня зовут Ольга Петровна Соколова, мой телефон +7 701 234 56 78, перезвоните после обеда. ",
    "Please send the invoice to john.carter@example.com and copy my assistant. ",
    "Клиент Ахметов Данияр Серикович просит перевыпустить карту. ",
    "Менің нөмірім 8 (777) 123-45-67, кешке дейін хабарласыңыз. ",
];

/// What a request says about people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal {
    Nothing,
    /// Values of every kind.
    Anything,
    /// Only what a route that masks lets out with tokens.
    Maskable,
}

/// Prose of about `bytes` bytes in `ru`, `kk` or `en`: sentences in an order that depends on nothing but the length.
pub fn prose(language: &str, bytes: usize) -> String {
    match language {
        "ru" => joined(&[&RUSSIAN], bytes),
        "kk" => joined(&[&KAZAKH], bytes),
        _ => joined(&[&ENGLISH], bytes),
    }
}

/// A chat in three languages in which about every fourth sentence holds personal data.
pub fn chat(bytes: usize) -> String {
    joined(&[&RUSSIAN, &CHAT, &KAZAKH, &ENGLISH], bytes)
}

fn joined(lists: &[&[&str]], bytes: usize) -> String {
    let mut numbers = Numbers(bytes as u64);
    let mut text = String::with_capacity(bytes + 256);
    let mut turn = 0;
    while text.len() < bytes {
        let list = lists[turn % lists.len()];
        text.push_str(list[numbers.below(list.len())]);
        turn += 1;
        if turn % 6 == 0 {
            text.push('\n');
        }
    }
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// Rows of a shop's export, as JSON.
pub fn json_rows(bytes: usize) -> String {
    let mut numbers = Numbers(7);
    let mut text = String::from("[");
    while text.len() < bytes {
        let (order, sum, count) = (numbers.below(90_000_000), numbers.below(900_000), numbers.below(20));
        text.push_str(&format!(
            "{{\"order_id\": {order}, \"sku\": \"AB-{count}-{sum}\", \"title\": \"Чайник электрический\", \
             \"quantity\": {count}, \"total\": {sum}.50, \"created_at\": \"2026-03-{:02}T10:{:02}:00Z\", \
             \"status\": \"delivered\", \"comment\": null}},\n",
            1 + count,
            count * 2
        ));
    }
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// The body of a chat request of about `bytes` bytes: a system prompt, turns, a tool and its call.
pub fn chat_request(bytes: usize, personal: Personal) -> String {
    let turn = |index: usize| match personal {
        Personal::Nothing => prose(["ru", "kk", "en"][index % 3], 700 + index),
        Personal::Anything => chat(700 + index),
        Personal::Maskable => joined(&[&RUSSIAN, &MASKABLE, &KAZAKH, &ENGLISH], 700 + index),
    };
    let mut messages = vec![
        serde_json::json!({"role": "system", "content": "Ты помощник службы поддержки. Отвечай вежливо и кратко."}),
    ];
    let mut index = 0;
    let mut size = 0;
    while size + 900 < bytes {
        let role = if index % 2 == 0 { "user" } else { "assistant" };
        let text = turn(index);
        size += text.len() + 40;
        messages.push(serde_json::json!({"role": role, "content": text}));
        index += 1;
    }
    let arguments = serde_json::json!({"order_id": 48_213_077, "reason": "не пришёл"}).to_string();
    messages.push(serde_json::json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "find_order", "arguments": arguments}}]}));
    messages
        .push(serde_json::json!({"role": "tool", "tool_call_id": "call_1", "content": "{\"status\": \"in_transit\"}"}));
    serde_json::json!({"model": "demo", "messages": messages, "temperature": 0.2, "stream": true,
        "tools": [{"type": "function", "function": {"name": "find_order", "description": "Looks an order up",
            "parameters": {"type": "object", "properties": {"order_id": {"type": "integer"}, "reason": {"type": "string"}}}}}]})
    .to_string()
}

/// Texts that are made to cost much, each of about `bytes` bytes.
pub fn hostile(bytes: usize) -> Vec<NamedText> {
    let repeated = [
        ("one letter", "a"),
        ("one Cyrillic letter", "я"),
        ("one digit", "1"),
        ("digit and space", "1 "),
        ("IIN without end", "901123300258"),
        ("digits and dashes", "9011-2330 "),
        ("combining marks", "е\u{301}\u{334}\u{335}"),
        ("zero-width", "9\u{200b}"),
        ("full width", "９０１１"),
        ("mixed scripts", "пaрoль cчёт "),
        ("at signs", "@a@a"),
        ("mail without end", "a.a@a.a"),
        ("kz1", "kz1 "),
        ("birth dates", "др 1 2 3 4 "),
        ("password words", "pw "),
        ("passwords", "пароль: "),
        ("IIN words", "иин "),
        ("numerals, Russian", "один два три "),
        ("numerals, Kazakh", "бір екі үш "),
        ("numerals, English", "one two three "),
        ("brackets", "[PERSON_7K2QX]["),
        ("open brackets", "[[[{{{((("),
        ("percents", "%25%2525"),
        ("backslashes", "\\\\u0041\\x"),
        ("HTML entities", "&amp;#57;&#57"),
        ("initials", "А. Б. "),
        ("surnames", "Иванов Петров "),
        ("streets", "ул. Абая д. 1 кв. 2 "),
        ("dots", "1.1.1.1."),
        ("colons", "aa:bb:cc:1::"),
        ("diagnoses", "диагноз J45.0 A00 "),
        ("money", "оклад 1 000 тг "),
        ("documents", "паспорт N12345678 AB123456 "),
        ("plates", "123 ABC 02 "),
        ("table", "a;b;c;1\n"),
        ("empty lines", "\n"),
        ("spoken mail", "собака точка "),
        ("links", "https://u:p@h/?token=a&"),
    ];
    let mut all: Vec<NamedText> = repeated
        .into_iter()
        .map(|(name, unit)| NamedText { name: name.to_owned(), text: unit.repeat(bytes / unit.len() + 1) })
        .collect();
    let mut encoded = chat(bytes);
    for (rounds, name) in ["base64", "base64 twice", "base64 three times"].into_iter().enumerate() {
        // So that each text has about the size that was asked for.
        let source = encoded.get(..encoded.floor_char_boundary(encoded.len() * 3 / 4)).unwrap_or_default();
        encoded = STANDARD.encode(source);
        debug_assert!(rounds < 3);
        all.push(NamedText { name: name.to_owned(), text: encoded.clone() });
    }
    let blob = STANDARD.encode("ИИН 901123300258");
    all.push(NamedText { name: "many blobs".to_owned(), text: format!("{blob} ").repeat(bytes / (blob.len() + 1)) });
    let escaped: String = chat(bytes / 3).bytes().map(|byte| format!("%{byte:02X}")).collect();
    all.push(NamedText { name: "percent-encoded chat".to_owned(), text: escaped });
    let escaped: String = chat(bytes / 3).encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    all.push(NamedText { name: "\\u-escaped chat".to_owned(), text: escaped });
    all
}
