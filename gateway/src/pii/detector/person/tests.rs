//! Names as people write them, and what only looks like names.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::select;

use super::{scan, scan_whole};
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::Found;
use crate::pii::detector::context::finder::ContextFinder;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::View;
use crate::pii::{Detector, Entity, TextSegment};

#[allow(clippy::expect_used)]
static DETECTOR: std::sync::LazyLock<Detector> =
    std::sync::LazyLock::new(|| Detector::new().expect("the word list is fixed and builds in every test"));

/// The persons of a text.
fn persons(text: &str) -> Vec<&str> {
    persons_at("", text)
}

fn persons_at<'t>(pointer: &str, text: &'t str) -> Vec<&'t str> {
    let findings = DETECTOR.scan(&[TextSegment::new(pointer, text)]);
    let persons = findings.iter().filter(|finding| finding.entity == Entity::Person);
    persons.map(|finding| text.get(finding.span.clone()).unwrap_or("not on a boundary")).collect()
}

/// Texts in which the names stand in double brackets.
const NAMED: &[&str] = &[
    // in full, in every order and case
    "Клиент [[Сейткалиев Бауыржан Кайратович]] просит отсрочку",
    "Договор заключён с [[Омаровой Гульнарой Сериковной]] и банком",
    "Передайте [[Иванову Петру Сергеевичу]], что всё готово",
    "Встречался с [[Петром Ивановым]] вчера",
    "Приказ: принять [[Турсунбекова Мирлана Асановича]] на должность",
    "[[Мария Римская-Корсакова]] пришла",
    "Отчёт подготовила [[Гульнар Ахметовна]]",
    // initials
    "акт подписан [[Мусиным А.Ж.]] и [[Ким В.С.]]",
    "подпись: [[А. Ж. Мусин]]",
    "[[Иванов И. И.]], [[И.И. Петров]]",
    "Исполнитель [[Нургалиева А.]]",
    "[[Zh. Akhmetov]] signed",
    // Kazakh
    "[[Айгүл Нұрланқызының]] құжаттары",
    "[[Темірхан Бекзат Нұрланұлы]] туралы мәлімет",
    "[[Нұрлан Әбенұлына]] хат жібер",
    "[[Серікбай Жұмағалиевтың]] шоты",
    "[[Қалиев Жандос]] пен [[Омарова Сәуле]] келді",
    "[[Aıgerim Seıtqalıqyzy]] keldi",
    "[[Däuren Qasymov]] keldi",
    // neighbours
    "[[Бахтиёр Юсупов]] из Самарканда",
    "[[Ахмедов Эльчин Мамед оглы]] - арендатор",
    "[[Асанбек уулу Бакыт]] приехал из Оша",
    "[[Рамиль Сафиуллин]] и [[Айрат Галимзянов]] подписали",
    "[[Карен Саркисян]] - наш партнёр, [[Нино Беридзе]] тоже",
    "[[Цой Марат]] и [[Пак Ирина]] пришли",
    // transliterated, all small, all capital
    "[[Aigerim Nurlankyzy]] signed, [[Dzhumabaev Nurlan]] did not",
    "[[иванов иван иванович]] не пришел",
    "[[бекмуханов ерлан]] не платит",
    "ПАЦИЕНТ [[ИВАНОВ ИВАН]] ПОСТУПИЛ",
    "[[AKHMETOV SERIK]] passport",
    // one name beside a word about people
    "пациентка [[Сейткалиева]] жалуется на боль",
    "меня зовут [[айгуль]], хочу узнать баланс",
    "Менің атым [[Данияр]]",
    "г-н [[Ким]] не согласен",
    "Mr. [[Smith]] called yesterday",
    "Dear [[Aigul]],\nplease find attached",
    "Құрметті [[Данияр]]!",
    "С уважением,\n[[Алия]]",
    "{\"fio\":\"[[Нурпеисов А.К.]]\"}",
    "{\"firstName\": \"[[Dinara]]\", \"lastName\": \"[[Sadykova]]\"}",
    "[[Динара]] ханымға хабарлас",
    "[[Айгуль]] вчера звонила",
    "свидетель [[Сидоренко]] показал",
    // over a line break
    "клиент [[Валентина Юрьевна\nКоролёва]], договор подписан",
    "ИП [[Соколов Артём Игоревич]] зарегистрирован",
    // trades, kin and what people do
    "дүкенші [[Светлана]] қарызды жазды",
    "Кепілгер [[Нурлан]] телефонын бермей жүр",
    "Сантехник [[Кайрат]] не приехал",
    "His widow [[Aliya]] is our client",
    "cashier [[Inkar Mels]] was rude",
    "звонила [[Оразгуль]], просила перезвонить",
    "заявление [[Касымовой]] рассмотрено",
    "там у [[Нигматуллина]] три прогула",
    "[[Айтбаевтың]] сенімхатымен келді",
    "[[Муратбеков]] - 690 тыс в месяц",
    "[[Токтаров]] вчера уволился",
    "Her surname is [[Kurmangaliyeva]], in case you need it",
    "ученица 9 «Г» [[Ангелина Цхай]] прогуливает",
    "[[Сымбат]] есімді қыз",
];

#[test]
fn names_are_found_whole() {
    for marked in NAMED {
        let text = marked.replace("[[", "").replace("]]", "");
        let expected: Vec<&str> = marked.split("[[").skip(1).filter_map(|rest| rest.split("]]").next()).collect();
        assert_eq!(persons(&text), expected, "{text}");
    }
}

const NAMELESS: &[&str] = &[
    "ул. Абая, 15, проспект Назарбаева закрыт, угол Фурманова",
    "Абай көшесі 5, Қазыбек би көшесінде, Достық даңғылы",
    "университет имени аль-Фараби, премия имени Алтынсарина",
    "город Павлодар и Тараз, Саратов, Киев, Ростов",
    "ТОО «Иванов и Ко», кафе «Алия» закрыто, «Арман» ЖШС шоты",
    "Johnson & Johnson report",
    "Пушкин родился в 1799 году, роман Льва Толстого «Война и мир»",
    "стихи Абая Кунанбаева, указ Касым-Жомарта Токаева",
    "Мұхтар Әуезов «Абай жолы» романын жазды",
    "Билл Гейтс основал Microsoft, Elon Musk bought Twitter",
    "закон Ома, теорема Пифагора, алгоритм Дейкстры, болезнь Паркинсона",
    "Бақыт деген не? Арман қуған адам шаршамайды",
    "Вера, надежда, любовь. Май выдался тёплым, Лев - царь зверей",
    "готов ли отчёт основных фондов из магазинов",
    "Will you Grant me access? Mark as read",
    "Уважаемые клиенты! Dear Customer, Dear Sir or Madam",
    "Клиент: Добрый день. Оператор: Слушаю.",
    "витамин В и витамин А, рис. А. и табл. Б.",
    "Қайырлы таң! Жанар май қымбаттады, Алтын мен күміс бағасы",
    "function getIvanov(petrov) { return ivan.petrov; }",
    "docs/ivanov.md src/Aigul.tsx user ivan_petrov @aigul_s",
    "царь Иван Грозный, Пётр Первый",
    "системы файловой очереди и состояния мыши",
    "Имя Айгуль означает лунный цветок",
    "чем знаменит Каныш Сатпаев, город Сатпаев",
    "Сочинение: «Роль Ыбырая Алтынсарина в открытии первых школ»",
    "Ыбырай Алтынсарин мен Ахмет Байтұрсыновтың әліппесі",
    "әлде раушан ба? Терезе оңтүстікке қарайды",
    "Аксай, Калкаман, Мирас, Орбита - где дешевле снять",
    "ол клиент күн сайын телефон соғады",
    "у Пушкина есть поэма, у Казахтелекома сбой",
    "звонил Казахтелеком, мастер Йода, партнёр Huawei, user Guide, operator Beeline",
    "студент Назарбаев Университета",
];

#[test]
fn streets_shops_figures_and_words_are_no_names() {
    for text in NAMELESS {
        assert_eq!(persons(text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn the_key_above_a_text_speaks_for_it() {
    assert_eq!(persons_at("/client/fio", "Дүйсенбеков"), ["Дүйсенбеков"]);
    assert_eq!(persons_at("/title", "Дүйсенбеков"), Vec::<&str>::new());
}

#[test]
fn findings_say_rule_score_and_word() {
    let findings = DETECTOR.scan(&[TextSegment::new("", "пациентка Сейткалиева Айгуль")]);
    let found: Vec<_> = findings.iter().map(|finding| (finding.rule, finding.context)).collect();
    assert_eq!(found, [("person/full-name", Some("пациент"))]);
    assert!(findings.iter().all(|finding| finding.score >= 90));
}

#[test]
fn explanations_name_what_was_meant_instead() {
    let (findings, rejections) = DETECTOR.explain(&[TextSegment::new("", "читаю Александра Пушкина")]);
    assert!(findings.is_empty());
    let reasons: Vec<_> = rejections.iter().map(|rejection| rejection.reason).collect();
    assert_eq!(reasons, ["a public figure"]);
}

static FINDER: LazyLock<ContextFinder> = LazyLock::new(|| ContextFinder::new().unwrap());

/// Names, initials, words that are also names, words that nobody knows, and what announces a person.
const WORDS: &[&str] = &[
    "иван",
    "иванов",
    "ивановым",
    "иванович",
    "сериковна",
    "айгүл",
    "айгуль",
    "сейткалиев",
    "нұрланқызы",
    "жан",
    "бек",
    "қызы",
    "ким",
    "цой",
    "римский",
    "корсаков",
    "сатпаев",
    "пушкин",
    "александр",
    "will",
    "rose",
    "john",
    "smith",
    "aigerim",
    "nurlankyzy",
    "neill",
    "o",
    "а",
    "ж",
    "j",
    "sh",
    "дж",
    "и",
    "я",
    "i",
    "the",
    "where",
    "is",
    "parcel",
    "слово",
    "дом",
    "заказ",
    "тапсырыс",
    "қашан",
    "zorblat",
    "кыштым",
    "город",
    "фильм",
    "пришел",
    "уважаемый",
    "клиент",
    "меня",
    "зовут",
    "фио",
    "аты",
    "имя",
    "name",
    "тоо",
    "им",
    "улица",
    "ге",
    "ның",
    "ов",
    "баев",
    "ова",
    "mr",
    "dr",
];
const GAPS: &[&str] = &[
    " ", " ", " ", " ", " ", "  ", "-", "'", ";", "`", ".", ". ", ".\n", "\n", "\r\n", "", "_", "@", ", ", " - ", ": ",
    "/", "(", ") ", " «", "» ", "? ", " & ", "^", "7", "«",
];

/// A word as it may be written.
fn cased(word: &str, case: u8) -> String {
    let mut letters = word.chars();
    match case {
        0..=1 => word.to_owned(),
        2..=3 => letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect(),
        _ => word.to_uppercase(),
    }
}

proptest! {
    #[test]
    fn any_text_gives_spans_on_boundaries(text in "[А-Яа-яA-Za-zқғңөұүәі.,:«» \\-\n]{0,120}") {
        for person in persons(&text) {
            prop_assert!(person != "not on a boundary" && !person.is_empty());
        }
    }

    /// What is found stretch by stretch is what is found among all words, rejected ones too.
    #[test]
    fn stretches_hold_every_name(
        words in prop::collection::vec((select(WORDS), 0..5_u8, select(GAPS)), 0..40),
        keys in select(&["", "/name", "/client/fio"][..]),
    ) {
        let written = words.iter().map(|&(word, case, gap)| [&cased(word, case), gap].concat());
        let text: String = written.collect();
        let view = View::new(&text);
        // Twice, for what is known of words by then.
        for _ in 0..2 {
            let text = Text::new(&view, &FINDER, keys);
            let (mut whole, mut found) = (Found::default(), Found::default());
            (whole.rejected, found.rejected) = (Some(Vec::new()), Some(Vec::new()));
            scan(&text, &mut Budget::for_text(view.bytes().len()), &mut found);
            scan_whole(&text, &mut whole);
            prop_assert_eq!(found.candidates, whole.candidates);
            prop_assert_eq!(found.rejected, whole.rejected);
        }
    }

    #[test]
    fn a_full_name_is_found_in_any_company(before in "[а-я]{3,9}", number in 0_u32..9_999) {
        let text = format!("{before} {number}, Сейткалиева Айгерим Болатовна, {number}");
        prop_assert_eq!(persons(&text), vec!["Сейткалиева Айгерим Болатовна"]);
    }
}
