//! What the words of an address are called, in Russian, Kazakh (both scripts) and English, with their endings.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::LazyLock;

use super::places::{DISTRICTS, PLACES};
use crate::pii::detector::memo::{Memo, remembered};
use crate::pii::detector::word_list::WordMap;

/// What a word does in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A street, before or behind its name: улица, проспект.
    Street,
    /// A street behind its name only: көшесі, avenue.
    StreetBehind,
    /// As [`Role::StreetBehind`], in the case of place: «on the street».
    StreetWhere,
    /// A part of a town whose houses are numbered: микрорайон, квартал, ЖК.
    Quarter,
    /// The first word of «шағын ауданы».
    QuarterFirst,
    /// A house: дом, building.
    House,
    /// A house, also behind its number: үй.
    HouseBehind,
    /// A part of a house before its number: квартира, офис.
    Unit,
    /// A room of an office, which flats and queues of offices have too: кабинет.
    Room,
    /// A part of a house on either side of its number: этаж, подъезд, пәтер.
    UnitBehind,
    /// A town or a village, before its name: город, село.
    Settlement,
    /// A region or a town behind its name: область, ауданы, қаласы.
    RegionBehind,
    /// Either side of its name: область, район.
    Region,
    /// The name of a town or a country that everybody knows.
    Place,
    /// «Индекс», "ZIP".
    Index,
    /// A word that belongs to a name though it is not capitalised: батыра, хана.
    NamePart,
    /// Part of a name, and behind a number a time: 30 лет Победы, 8 Марта.
    Date,
    /// Counts things: a number before it is no house.
    Measure,
    /// No name: a function word, a label.
    Stop,
}

/// How many letters may follow a stem.
const MAX_ENDING: usize = 5;

/// Words that take no ending, or that are listed with theirs.
const EXACT: &[(Role, &str)] = &[
    (
        Role::Street,
        "ул пр пр-т пр-кт прт просп пер пер-к б-р бул ш наб туп пл шоссе ул-ца у ulitsa ul pr pr-t prosp per \
         shosse str уч пр-д трасса тракт аллея",
    ),
    (
        Role::StreetBehind,
        "к-сі к-сi көш кош даңғ д-лы д-ы дң street st avenue ave av road rd lane ln drive dr boulevard blvd \
         highway hwy square sq alley т-ғы көшесі даңғылы koshesi kosesi dangyly k-si d-ly koshe бульвары kosh kos \
         dang даң",
    ),
    (
        Role::Quarter,
        "ш-а м/а мкр мкрн мкр-н м-н мкн м/н мк-н ш/а жк кв-л mkr mkrn jk zhk microdistrict жм снт дачи массив",
    ),
    (Role::QuarterFirst, "мөлтек moltek шағын shagyn sagyn шагын ш ықшам yqsham yqsam ықш yqsh yqs шағ shag"),
    (Role::House, "д дом дома доме дому домом зд вл bldg house dom d уй зд-е"),
    (Role::HouseBehind, "үй үйі үйде үйінде үйге үйден үйіне үйдің uy ui uii uide uyde uyi"),
    (
        Role::Unit,
        "кв стр соор кв-ра кварт оф пом к корп блок лит литер apt unit suite ste flat kv \
         korp of apt.no block п под entrance blok office ш-м бутик",
    ),
    (
        Role::UnitBehind,
        "эт floor fl пәт qabat этаж қабат бөлме корпус подъезд podezd etazh квартира квартире kvartira пт \
         pat",
    ),
    (Role::Room, "каб ком комн бокс пав room rm секция бутик терезе окно"),
    (
        Role::Settlement,
        "г гор город городе города городу с село селе пос п пгт дер аул ст-ца gorod g poselok selo н.п нп рп \
         ст",
    ),
    (
        Role::RegionBehind,
        "қ қ-сы обл р-н р-не р-на р-ны а ауд ауд-ы аудан қаласы облысы ауданы ауылы қала city district region \
         oblast village oblysy audany qalasy auyly rayon raion raiony county province r-n obl с/о а/о q aud \
         audan",
    ),
    (Role::Region, "область области областью обл район района районе району край края"),
    (Role::Index, "индекс индексі zip index postcode пошта indeks почтовый пошталық"),
    (
        Role::NamePart,
        "би хан хана ата апа батыра батыр акына ақын сал сері академика имени им генерала маршала героев bi \
         ata batyra batyr khan khana han hana жырау бия баба ана атындағы ат гвардейцев панфиловцев победы \
         baba zholy жолы и дивизии гвардейской",
    ),
    (
        Role::Date,
        "лет мая марта октября декабря августа наурыз мамыр желтоқсан ақпан жыл съезда летия жылдығы желтоксан",
    ),
    (
        Role::Measure,
        "сезон серия серии эпизод \
         час часа часов лет год года году день дня дней м км метр метра метров кг г руб тг kzt млн тыс раз \
         раза человек человека людей машин машины сом usd шт штук процентов неделя недели недель месяц месяца \
         месяцев сағат минут минуты минута мин жыл жылы жылғы күн ай адам рет дана теңге тенге hours hour \
         years year days day people km meters minutes times million percent августа января февраля марта \
         апреля июня июля сентября ноября мл мг вт мм см га соток комн комнатная комнатную звезды звезд класс \
         класса сынып pro plus max gb гб мб тенгеге am pm место балл баллов қаңтар қаңтарда ақпанда сәуір \
         маусым шілде тамыз қыркүйек қазан қараша желтоқсанда мамырда наурызда таңғы кешкі тонн литров литр \
         сын фото этажей этажный дүкен көлік дом- мест новых новые кафе ресторана магазина аптеки дома дерева \
         аварии остановки светофора полос полосы проц вопроса рейс january february march april june july \
         august september october november december shops vendors companies houses trees",
    ),
    (
        Role::Stop,
        "i ii iii iv \
         на в во по из от до за над под при для без или а но не ни же что где как это мой моя мы я ты вы он \
         она они кто мен және бұл үшін туралы the of to in on at and or for my is are was we i you he she it \
         from with by адрес адресу адреса address мекенжай мекенжайы мекенжайым тел телефон иин жсн рядом \
         около возле напротив угол между проживает проживаю живу живет тұрады тұрамын доставка доставьте \
         привет здравствуйте клиент пациент this that карта счет договор заказ с о об у к будет есть был была \
         если когда там тут мне нам прошу lives live living resides глава статья ст рис таблица version \
         версия page chapter table figure section пункт приказ закон номер нөмір нөмірі",
    ),
];

/// Words that endings may follow.
const STEMS: &[(Role, &str)] = &[
    (
        Role::Street,
        "улиц проспект переул бульвар набережн тупик проезд площад ulits ulic prospekt prospect pereul bulvar \
         линия",
    ),
    (Role::StreetWhere, "көшесінде даңғылында koshesinde kosesinde dangylynda көшеде"),
    (Role::StreetBehind, "көшес даңғыл тұйығ koshes koses dangyl dangil danghyl dañğyl danǵyl köşes kóshes"),
    (Role::Quarter, "микрорай ықшамауд шағынауд квартал mikroray mikrorai mikroraj yqshamaud yqsamaud shagynaud орам"),
    (Role::House, "здани владен ғимарат building участ"),
    (Role::Unit, "строен квартир помещен apartment kvartir литер квартер"),
    (
        Role::UnitBehind,
        "подъезд этаж пәтер патер қабат бөлме кіреберіс кеңсе pater офис корпус ofis podyezd kireberis bolme \
         kense",
    ),
    (Role::Room, "кабинет комнат павильон"),
    (Role::Settlement, "город посел деревн станиц станци"),
    (Role::RegionBehind, "қалас облыс аудан ауыл qalas oblys audan auyl селосы кент округ okrug"),
    (Role::Region, "област район"),
];

static TABLE: LazyLock<WordMap<&'static str, (Role, bool)>> = LazyLock::new(|| {
    let mut table = WordMap::default();
    for (stems, lists) in [(false, EXACT), (true, STEMS)] {
        for &(role, words) in lists {
            for word in words.split_whitespace() {
                table.entry(word).or_insert((role, stems));
            }
        }
    }
    for place in PLACES.split_whitespace().chain(DISTRICTS.split_whitespace()) {
        table.entry(place).or_insert((Role::Place, true));
    }
    table
});

thread_local! {
    static ROLES: RefCell<Memo<4, Option<Role>>> = const { RefCell::new(Memo::new(8)) };
}

/// What `word`, in lower case, does in an address; `None` for a name or any other word.
pub(crate) fn role(word: &[u8]) -> Option<Role> {
    remembered(&ROLES, word, || std::str::from_utf8(word).ok().and_then(found_role))
}

fn found_role(word: &str) -> Option<Role> {
    let word = plain(word);
    if let Some(&(role, _)) = TABLE.get(word.as_ref()) {
        return Some(role);
    }
    let letters = word.chars().count();
    // From the longest stem on, so that «көшесінде» is not taken for «көшес».
    let ends = word.char_indices().map(|(at, _)| at).enumerate().skip(3.max(letters.saturating_sub(MAX_ENDING)));
    let ends: Vec<usize> = ends.take(MAX_ENDING + 1).map(|(_, at)| at).collect();
    ends.into_iter().rev().find_map(|end| {
        let &(role, is_stem) = TABLE.get(word.get(..end)?)?;
        is_stem.then_some(role)
    })
}

/// Without the marks of Kazakh's Latin letters, and with one script in a word: a Latin letter among Cyrillic ones is
/// taken for its twin.
fn plain(word: &str) -> Cow<'_, str> {
    let ascii = word.bytes().filter(u8::is_ascii_alphabetic).count();
    if ascii == word.len() {
        return Cow::Borrowed(word);
    }
    let is_cyrillic = word.chars().any(|letter| ('\u{400}'..='\u{52F}').contains(&letter));
    match (is_cyrillic, ascii) {
        (true, 0) => Cow::Borrowed(word),
        (true, _) => word.chars().map(twin).collect(),
        (false, _) => word.chars().map(without_marks).collect(),
    }
}

const fn twin(letter: char) -> char {
    match letter {
        'a' => 'а',
        'b' => 'в',
        'c' => 'с',
        'e' => 'е',
        'h' => 'н',
        'i' => 'і',
        'k' => 'к',
        'm' => 'м',
        'o' => 'о',
        'p' => 'р',
        't' => 'т',
        'x' => 'х',
        'y' => 'у',
        other => other,
    }
}

const fn without_marks(letter: char) -> char {
    match letter {
        'á' | 'ä' | 'ā' => 'a',
        'ǵ' | 'ğ' => 'g',
        'ń' | 'ñ' => 'n',
        'ó' | 'ö' => 'o',
        'ú' | 'ü' | 'ū' | 'ý' => 'u',
        'ı' | 'í' | 'ï' => 'i',
        'ş' => 's',
        'ç' => 'c',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_marks_and_twins_are_seen_through() {
        for (word, expected) in [
            ("улицу", Some(Role::Street)),
            ("көшесіндегі", Some(Role::StreetWhere)),
            ("көшесі", Some(Role::StreetBehind)),
            ("dańǵyly", Some(Role::StreetBehind)),
            ("köşesi", Some(Role::StreetBehind)),
            ("алматыда", Some(Role::Place)),
            ("yлица", Some(Role::Street)),
            ("абая", None),
            ("күлкі", None),
        ] {
            assert_eq!(role(word.as_bytes()), expected, "{word}");
        }
    }
}
