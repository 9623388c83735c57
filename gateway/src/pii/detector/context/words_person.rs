//! The words around persons' names: what announces one, who is spoken of, whom letters greet, and what is only named
//! after a person.

use super::topics::{
    GREETING, NAME_FIELD, NAME_KEY, NAMED_AFTER, NAMED_AFTER_BEHIND, ORGANISATION, PERSON, PERSON_BEHIND, PUBLIC,
    Topics,
};
use super::words::{Word, case, exact};

macro_rules! words {
    ($($make:ident $topics:ident: $($text:literal)+;)+) => { &[$($($make($text, $topics),)+)+] };
}

const CALLED: Topics = PERSON | NAME_FIELD;
const SO_CALLED: Topics = PERSON_BEHIND | NAME_KEY;

/// What a person's name follows.
pub(crate) const FIELDS: &[Word] = words! {
    exact NAME_FIELD:
        "фио" "ф.и.о" "ф. и. о" "ф.и.о." "фамилия" "фамилия имя" "фамилия имя отчество" "фамилия, имя"
        "фамилия, имя, отчество" "имя, отчество" "отчество" "имя фамилия" "имя и фамилия" "фамилия и имя"
        "полное имя" "его зовут" "ее зовут" "зовут" "по имени" "на имя" "от имени"
        "моя фамилия" "мое имя" "по фамилии" "это я" "menya zovut" "zovut" "menia zovut" "fio" "full_name"
        "fullname" "full name" "first_name" "firstname" "first name" "last_name" "lastname" "last name"
        "middle_name" "middlename" "middle name" "given_name" "givenname" "given name" "family_name" "familyname"
        "family name" "surname" "patronymic" "familiya" "otchestvo" "imya" "customer_name" "client_name"
        "patient_name" "employee_name" "person_name" "holder_name" "cardholder" "card_holder" "contact_name"
        "my name is" "my name's" "name is" "i am called" "тегі" "аты-жөні" "аты жөні" "аты-жөнім" "аты-жөніңіз"
        "аты-жони" "аты жони" "аты-тегі" "тегі, аты" "тегі, аты, әкесінің аты" "әкесінің аты" "атым" "менің атым"
        "менин атым" "есімім" "есімі" "тегім" "атыңыз" "aty-joni" "aty-zhoni" "aty-jóni" "aty-jónim" "aty-jonim"
        "aty-zhonim" "aty jonim" "atym" "meniń atym" "menin atym" "mening atym" "esimim" "esimi" "tegi";
    exact CALLED:
        "fio like" "name like" "menya zovut" "surname is" "last name is" "first name is" "family name is" "name was" "surname was" "по паспорту" "фамилия ее"
        "ее фамилия" "его фамилия" "девичья фамилия" "familiya moya" "моя фам" "фам"
        "меня зовут" "зовут" "зовут меня" "my name is" "name is" "zovut" "атым" "есімім" "тегім" "atym"
        "esimim" "по имени" "по фамилии" "моя фамилия";
    exact NAME_KEY:
        "named" "called";
};

/// What any name may follow.
pub(crate) const KEYS: &[Word] = words! {
    exact NAME_KEY:
        "name" "names" "имя" "аты" "aty" "это" "мен" "men" "i am" "i'm" "this is";
    exact SO_CALLED:
        "деген" "атты" "degen" "деймін";
};

/// Whom one speaks of, in Russian.
pub(crate) const PERSONS_RU: &[Word] = words! {
    exact PERSON:
        "заявление" "заявления" "жалоба" "жалобу" "доверенность" "доверенности" "объяснительная" "расписка" "рапорт"
        "звонил" "звонила" "позвонил" "позвонила" "перезвонила" "перезвонил" "звонит" "приходил" "приходила"
        "обратился" "обратилась" "обращалась" "пишет" "написал" "написала" "подписал" "подписала" "пришел" "пришла"
        "сообщил" "сообщила" "заявил" "заявила" "пояснил" "пояснила" "ответил" "ответила" "оформил" "оформила"
        "передал" "передала" "провел" "провела" "принял" "приняла" "кума" "кумы" "тестя" "тещи" "зятя" "зятю"
        "бабушка" "дедушка";
    case PERSON:
        "вдов" "сирот" "опекун" "попечител" "усыновител" "домработниц" "уборщи" "дворник" "вахтер" "консьерж"
        "повар" "официант" "бармен" "парикмахер" "визажист" "маникюрш" "массажист" "швея" "портн" "сапожник"
        "слесар" "сварщи" "токар" "плотник" "столяр" "маляр" "штукатур" "каменщи" "крановщи" "экскаваторщи"
        "тракторист" "комбайнер" "механик" "шофер" "таксист" "дальнобойщи" "машинист" "проводни" "стюардесс"
        "диспетчер" "кондуктор" "контролер" "ревизор" "аудитор" "экономист" "финансист" "казначе" "инкассатор"
        "логист" "кладовщи" "экспедитор" "мерчендайзер" "маркетолог" "дизайнер" "программист" "разработчи"
        "тестировщи" "аналитик" "архитектор" "инженер" "геолог" "агроном" "зоотехник" "ветеринар" "чабан" "пастух"
        "фермер" "рыбак" "лесни" "пчеловод" "библиотекар" "методист" "репетитор" "тренер" "спортсмен" "вожат"
        "декан" "ректор" "профессор" "доцент" "аспирант" "магистрант" "докторант" "выпускни" "абитуриент" "лаборант"
        "рентгенолог" "кардиолог" "невролог" "невропатолог" "гинеколог" "акушер" "уролог" "окулист" "офтальмолог"
        "дерматолог" "онколог" "ортопед" "анестезиолог" "реаниматолог" "фармацевт" "провизор" "сиделк" "нянечк"
        "роженниц" "рожениц" "новорожденн" "младен" "беременн" "пенсионер" "пенсионерк" "инвалид" "ветеран"
        "военнослужащ" "солдат" "призывник" "курсант" "полковник" "подполковник" "генерал" "прапорщик" "старшин"
        "полицейск" "следовательниц" "дознавател" "прокурор" "пристав" "понят" "осужденн" "обвиняем" "подсудим"
        "арестованн" "задержанн" "погибш" "пострадавш" "пропавш" "умерш" "покойн" "наследни" "наследниц" "завещател"
        "дарител" "одаряем" "залогодател" "поручител" "созаемщи" "вкладчик" "акционер" "учредител" "партнер"
        "компаньон" "предпринимател" "продавщ" "риелтор" "риэлтор" "маклер" "брокер" "страхователь" "застрахованн"
        "выгодоприобретател" "жилец" "жильц" "квартирант" "постоял" "турист" "попутчик" "блогер" "журналист"
        "корреспондент" "редактор" "переводчи" "фотограф" "оператор-кассир" "бухгалтерш" "секретарш" "помощни"
        "ассистент" "стажер" "практикант" "наставни" "напарни" "сослуживец" "однокласс" "однокурсни" "однофамил"
        "земляк" "знакомый" "знаком" "приятел" "тезк" "жених" "сват" "сваха" "кум" "шурин" "деверь" "золовк" "снох"
        "падчериц" "пасын" "свояч" "прабабушк" "прадедушк" "двоюродн" "близнец";
    case PERSON:
        "клиент" "заказчик" "покупател" "продавц" "пациент" "больн" "сотрудни" "работни" "коллег" "менеджер"
        "бухгалтер" "врач" "терапевт" "педиатр" "хирург" "стоматолог" "медсестр" "учител" "преподавател" "студент"
        "ученик" "ученица" "водител" "курьер" "оператор" "администратор" "начальни" "юрист" "адвокат" "нотариус"
        "следовател" "судь" "истец" "истц" "ответчи" "заявител" "получател" "отправител" "плательщи" "заемщи"
        "должни" "арендатор" "арендодател" "владел" "собственни" "абонент" "пользовател" "пассажир" "гост"
        "кандидат" "соискател" "подозреваем" "потерпевш" "свидетел" "директор" "господин" "госпож" "товарищ" "брат"
        "сестр" "дочк" "супруг" "бабушк" "дедушк" "внучк" "племянни" "сосед" "подруг" "ребен" "мальчик" "девочк"
        "девушк" "начмед" "сторож" "охранни" "секретар" "зам" "заместител" "страховател" "грузчик" "фельдшер"
        "санитар" "сантехник" "электри" "дежурн" "техник" "психолог" "логопед" "воспитател" "заведующ" "председател"
        "руководител" "участков" "лечащ" "инспектор" "капитан" "лейтенант" "майор" "сержант" "бригадир" "мастер"
        "поставщи" "продавщиц" "кассир" "няня" "инженер" "вдов" "поручител" "опекун" "тренер" "стажер" "аспирант"
        "аудитор" "эксперт" "повар" "парикмахер" "репетитор" "консультант" "доверител" "наследни" "жилец"
        "квартирант" "понят" "осужденн" "обвиняем" "задержанн" "погибш" "роженица" "жених" "крестник" "отчим"
        "мачех" "свекров" "теща" "тесть" "зять" "невест" "исполнител" "ответственн" "представител" "докладчи"
        "подпис";
    exact PERSON:
        "продавец" "тов" "мама" "маму" "маме" "мамы" "мамой" "папа" "папу" "папе" "папы" "отец" "отца" "отцу" "мать"
        "матери" "сын" "сына" "сыну" "сыном" "дочь" "дочери" "дочерью" "муж" "мужа" "мужу" "мужем" "жена" "жены"
        "жену" "жене" "женой" "дядя" "дяди" "дяде" "дядю" "тетя" "тети" "тете" "тетю" "внук" "внука" "внуку" "друг"
        "друга" "другу" "klient" "patsient" "pacient";
    case CALLED:
        "гражданин" "гражданк";
    exact CALLED:
        "алло, это" "алло это" "гр-н" "гр-ка" "гр-на" "г-н" "г-на" "г-ну" "г-ном" "г-жа" "г-жи" "г-же" "г-жу";
};

/// The same in Kazakh.
pub(crate) const PERSONS_KK: &[Word] = words! {
    exact PERSON:
        "жолдасым" "жолдасы" "анама" "әкеме" "балама" "ұлыма" "қызыма" "ағама" "ініме" "әпкеме" "досыма" "көршіме"
        "апама" "жиеніме" "анамды" "әкемді" "баламды" "қызымды" "ұлымды" "ұлымның" "қызымның" "ағамның" "інімнің"
        "әпкемнің" "жұбайымның" "жұбайы" "зайыбы" "зайыбым" "күйеуі" "әйелі" "келінім" "немересі" "шөберем" "құдам"
        "құдағиым" "бауырым" "туысым" "нағашым" "сыныптасым" "құрбым" "құрбысы" "досы" "әріптесім" "басшым"
        "ұстазым" "емдеушісі" "aǵam" "ákem" "ákesi" "anasy" "balasy" "akesi" "jubaıym" "jubaiym" "zhubaiym" "kelinim"
        "ulymnyń" "qyzymnyń" "agam" "inim" "ápkem" "apkem" "qaryndasym" "kórshim" "korshim" "dosym" "áıelim"
        "ayelim" "kúıeýim" "iesi" "dúkenshi" "dukenshi" "satushy" "menedjer" "menedzher" "vrach" "doktor" "sosed"
        "sosedka" "syn" "doch" "muzh" "zhena" "brat" "sestra" "mama" "papa" "babushka" "dedushka" "muǵalim"
        "mugalim" "dárigeri" "azamat" "tárbieshi" "keńesshi" "keñesşı" "keñesşi" "kenesshi" "kenesşi" "äkımşı" "akimshi";
    case PERSON:
        "дүкенші" "өкіл" "кепілгер" "сатушы" "аспаз" "даяшы" "күзетші" "құрылысшы" "дәнекерлеуші" "тігінші" "шаштараз"
        "диқан" "малшы" "шопан" "бақташы" "балықшы" "аңшы" "тракторшы" "комбайншы" "заңгер" "тергеуші" "соттал"
        "судья" "полицей" "сарбаз" "зейнеткер" "мүгедек" "қамқоршы" "мұрагер" "жалдаушы" "серіктес" "құрылтайшы"
        "кәсіпкер" "тілші" "аудармашы" "суретші" "бағдарламашы" "әзірлеуші" "талдаушы" "сәулетші" "бапкер" "спортшы"
        "жаттықтырушы" "түлек" "бүлдіршін" "нәресте" "сәби" "жүкті" "босан" "медбике" "мейірбике" "дәріханашы"
        "зертханашы" "көмекші" "орынбасар" "хабарлаушы" "арызданушы" "жолаушы" "кеңесші" "әкімші" "қонақ" "тұрғын" "көрші" "таныс"
        "құрдас" "сыныптас" "курстас" "замандас" "абысын" "қайын" "бөле" "нағашы" "құда" "құдағи" "күйеу" "келін"
        "жесір" "жетім" "пайдаланушы" "еден жуушы" "жүк тасушы" "асырап алушы" "жалға беруші" "тіс дәрігері";
    case PERSON:
        "науқас" "наукас" "емделуші" "қызметкер" "кызметкер" "жұмысшы" "мұғалім" "мугалим" "айыпталушы" "көрші"
        "кепілгер" "дүкенші" "өкіл" "сатушы" "аспаз" "күзетші" "тергеуші" "сотталушы" "жалдаушы"
        "балабақша тәрбиешісі" "бухгалтеры" "баяндамашы" "нұсқаушы" "жаттықтырушы" "қамқоршы" "келін" "күйеу бала"
        "жесір" "борышкер" "куәгер" "жәбірленуші" "сақтанушы" "хатшы" "төраға" "қабылдаушы" "жалға алушы" "кезекші"
        "қолы" "мүше" "жетекші" "тәрбиеші" "орындаушы" "қоңырау шалушы" "дәріхана" "кісі" "оқушы" "дәрігер"
        "дарігер" "жүргізуші" "басшы" "бастығ" "маман" "есепші" "талапкер" "жауапкер" "алушы" "жіберуші"
        "өтініш беруші" "қарыз алушы" "азамат" "азаматша" "әріптес" "сатып алушы" "иесі" "тұтынушы";
    exact PERSON:
        "әкем" "әкемнің" "анам" "анамның" "атам" "әжем" "ағам" "інім" "әпкем" "қарындасым" "сіңлім" "ұлым" "қызым"
        "балам" "баламның" "немерем" "жұбайым" "күйеуім" "әйелім" "досым" "көршім" "апам" "жиенім" "анасы" "әкесі"
        "баласы" "naýqas" "nauqas" "naukas" "iesi" "aǵam" "ağam" "agam" "inim" "apam" "dosym" "korshim" "áriptesim"
        "balam" "anam" "akem" "ulym" "qyzym";
};

/// The same in English.
pub(crate) const PERSONS_EN: &[Word] = words! {
    exact PERSON:
        "cashier" "widow" "widower" "fiance" "fiancee" "bride" "groom" "orphan" "guardian" "parent" "grandmother"
        "grandfather" "grandma" "grandpa" "grandson" "granddaughter" "stepson" "stepdaughter" "stepfather"
        "stepmother" "mother-in-law" "father-in-law" "son-in-law" "daughter-in-law" "brother-in-law" "sister-in-law"
        "cousin" "godfather" "godmother" "toddler" "infant" "newborn" "pensioner" "retiree" "veteran" "soldier"
        "sergeant" "lieutenant" "policeman" "detective" "prosecutor" "bailiff" "convict" "suspect" "victim"
        "deceased" "heir" "heiress" "testator" "guarantor" "co-borrower" "debtor" "creditor" "shareholder"
        "entrepreneur" "realtor" "broker" "lodger" "roommate" "flatmate" "housemate" "tourist" "blogger"
        "journalist" "translator" "interpreter" "photographer" "designer" "programmer" "analyst" "architect"
        "geologist" "agronomist" "veterinarian" "farmer" "shepherd" "fisherman" "librarian" "tutor" "trainer"
        "rector" "professor" "lecturer" "postgraduate" "undergraduate" "intern" "trainee" "apprentice" "assistant"
        "secretary" "receptionist" "concierge" "janitor" "cleaner" "waiter" "waitress" "barman" "bartender"
        "hairdresser" "barber" "masseur" "tailor" "plumber" "electrician" "welder" "mechanic" "trucker" "courier"
        "dispatcher" "conductor" "auditor" "economist" "treasurer" "clerk" "teller" "storekeeper" "warehouseman"
        "shopkeeper" "seller" "salesman" "saleswoman" "buyer" "paramedic" "midwife" "pharmacist" "psychologist"
        "pediatrician" "cardiologist" "dentist" "nanny" "babysitter" "caregiver" "ex-husband" "ex-wife" "girlfriend"
        "boyfriend" "classmate" "payee" "payer" "occupant" "complainant" "claimant" "respondent" "appellant"
        "drafter" "consultant" "adviser" "advisor" "administrator" "addressee" "consignee" "signatory" "trustee" "foreman";
    exact CALLED:
        "mrs";
    exact PERSON:
        "miss" "prof" "manager" "colleague" "coworker" "user" "applicant" "candidate" "borrower" "tenant" "landlord"
        "plaintiff" "defendant" "recipient" "beneficiary" "sender" "caller" "passenger" "guest" "witness" "lawyer"
        "accountant" "doctor" "nurse" "teacher" "student" "driver" "director" "holder" "owner" "mother" "father"
        "mom" "dad" "brother" "sister" "son" "daughter" "husband" "wife" "spouse" "uncle" "aunt" "nephew" "niece"
        "friend" "receiver" "cashier" "widow" "widower" "clerk" "guarantor" "representative" "trainer" "coach"
        "tutor" "chef" "engineer" "technician" "auditor" "inspector" "officer" "babysitter" "roommate" "cousin"
        "grandmother" "grandfather" "grandson" "granddaughter" "mother-in-law" "father-in-law" "reporter" "approver"
        "supervisor" "subscriber" "policyholder" "insured" "cardholder" "therapist" "surgeon" "resident" "agent"
        "operator" "neighbor" "neighbour" "boss" "assignee" "author" "contact" "attn" "contact person" "signed by"
        "married to" "pacienty";
    case PERSON:
        "client" "customer" "patient" "employee";
};

/// How letters begin and end.
pub(crate) const GREETINGS: &[Word] = words! {
    case GREETING:
        "уважаем" "дорог";
    exact GREETING:
        "здравствуйте" "здравствуй" "привет" "добрый день" "доброе утро" "добрый вечер" "с уважением"
        "с наилучшими пожеланиями" "спасибо" "позвоните" "спросить" "передай" "передайте" "сообщи" "сообщите" "скажи" "скажите" "напомни" "напомните" "позвони"
        "спроси" "спросите" "попроси" "попросите" "салем" "құрметті"
        "курметти" "қадірлі" "қымбатты" "құрметпен" "сәлем" "сәлеметсіз бе" "рахмет" "рақмет" "qurmetti" "kurmetti"
        "qurmetpen" "salem" "sálem" "dear" "hello" "hey" "regards" "best regards" "kind regards" "sincerely"
        "yours truly" "best" "thanks" "thank you" "cheers" "ask" "call" "tell" "contact" "let" "notify" "inform" "remind" "message";
};

/// Said behind a person's name.
pub(crate) const BEHIND: &[Word] = words! {
    exact PERSON_BEHIND:
        "есімді" "дейтін" "екеуміз" "екеуіміз" "деп тіркелгенмін"
        "ханым" "мырза" "аға" "көке" "ханымға" "мырзаға" "айтыңызшы" "айтыңыз" "айтшы" "хабарла" "хабарлаңыз" "хабарлаңызшы" "жеткізіңіз"
        "khanym" "hanym" "myrza" "apai" "agai" "боламын" "bolamyn";
    case PERSON_BEHIND:
        "апай" "ағай" "тәте" "ағамыз" "апамыз";
};

/// What is named after people, or has a person's name for its own.
pub(crate) const THINGS: &[Word] = words! {
    exact NAMED_AFTER:
        "улица" "улицы" "улице" "улицу" "улицей" "пр-т" "просп" "пр-кт" "пер" "б-р" "наб" "мкр" "мкрн" "имени"
        "по улице" "угол" "село" "селе" "города" "город" "городе";
    case NAMED_AFTER:
        "проспект" "переул" "бульвар" "площад" "микрорайон" "шоссе" "университет" "институт" "академи" "школ"
        "гимнази" "лице" "театр" "музе" "парк" "сквер" "памятник" "преми" "стади" "аэропорт" "станци" "метро"
        "поселок" "поселк" "теорем" "закон" "метод" "алгоритм" "синдром" "болезн" "формул" "уравнени" "эффект"
        "принцип" "постоянн" "числ" "шкал" "критери" "таблиц" "модел" "проб" "реакци" "распределени";
    exact NAMED_AFTER_BEHIND:
        "street" "avenue" "ave" "road" "blvd" "boulevard" "square" "university" "school" "airport" "theorem"
        "algorithm" "disease" "syndrome" "theory" "law" "prize" "көш" "к-сі" "к-си" "д-лы" "көшесінде" "көшесіндегі" "көшесінен" "koshesi"
        "kóshesi" "dangyly" "atyndagy" "atyndaǵy";
    case NAMED_AFTER_BEHIND:
        "университет" "академи" "плаза" "молл"
        "көшесі" "кошеси" "даңғылы" "дангылы" "ауданы" "ауылы" "қаласы" "облысы" "алаңы" "атындағы" "атындагы"
        "мектебі" "теоремасы" "заңы" "ауруы" "кітапханасы" "театры" "университеті";
    exact ORGANISATION:
        "тоо" "жшс" "ооо" "оао" "зао" "ксх" "кск" "оси" "llp" "llc" "ltd" "inc" "jsc" "gmbh" "corp" "hotel" "cafe"
        "restaurant" "shop" "store" "salon" "company" "bank" "банк";
    case ORGANISATION:
        "компани" "фирм" "магазин" "кафе" "ресторан" "салон" "гостиниц" "отел" "санатори" "аптек" "клиник" "ателье"
        "рынок" "базар" "комплекс" "ансамбл" "групп" "бренд" "марк" "детский сад" "детсад" "дүкен" "дәмхана"
        "мейрамхана" "қонақүй" "балабақша" "тойхана";
};

/// People in public and works of art.
pub(crate) const PUBLIC_PEOPLE: &[Word] = words! {
    case PUBLIC:
        "писател" "поэт" "композитор" "художни" "академик" "космонавт" "президент" "премьер-министр" "премьер"
        "министр" "певец" "певц" "певиц" "актер" "актрис" "режиссер" "боксер" "футболист" "теннисист" "чемпион"
        "философ" "ученый" "физик" "математик" "император" "корол" "царь" "геро" "роман" "повест" "рассказ" "стих"
        "поэм" "сказк" "фильм" "сериал" "опер" "книг" "песн" "произведени" "биографи" "творчеств" "переводе"
        "жазушы" "ақын" "күйші" "әнші" "ғарышкер" "ғалым" "батыр" "хан" "султан" "сұлтан" "жырау" "бий" "суретші"
        "көтеріліс" "шығарма" "өлең" "жыр" "актер" "режиссер" "выставк" "выставки" "картин" "скульптор" "архитектор"
        "драматург" "живопис" "балерин" "дирижер" "продюсер" "экранизаци" "спектакл" "концерт" "альбом" "клип" "хит"
        "реформ" "восстани" "эпох" "правлени" "диссертаци" "монографи" "мемуар" "сборник" "лауреат" "олимпи" "медал"
        "титул" "нарком" "маршал" "генсек" "сенатор" "спикер" "премьера" "постановк" "роли" "ролью";
    exact PUBLIC:
        "writer" "poet" "composer" "president" "prime minister" "minister" "singer" "actor" "actress" "boxer" "king"
        "emperor" "novel" "poem" "philosopher" "physicist" "film" "movie" "director" "dir" "directed by" "starring" "painter"
        "khan" "sultan" "champion" "khanate" "book by" "novel by" "written by" "олимпиада" "алтын" "боксшы";
    case PUBLIC:
        "biograph";
};

/// Words of one or two letters: only where a name stands right beside them.
pub(crate) const SHORT: &[Word] = words! {
    exact CALLED:
        "гр" "mr" "ms" "dr";
    exact PERSON:
        "ип";
    exact NAME_KEY:
        "я";
    exact GREETING:
        "hi";
    exact NAMED_AFTER:
        "ул" "пр" "пл" "им" "г";
    exact NAMED_AFTER_BEHIND:
        "st";
    exact ORGANISATION:
        "жк" "ао" "ақ" "кх" "шқ";
};

/// Every list, for who looks at the words beside a name one by one; the automaton has only those that are keys too.
pub(crate) const BESIDE_NAMES: &[&[Word]] =
    &[FIELDS, KEYS, PERSONS_RU, PERSONS_KK, PERSONS_EN, GREETINGS, BEHIND, THINGS, PUBLIC_PEOPLE, SHORT];
