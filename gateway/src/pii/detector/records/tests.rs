//! Records as callers see them: what must be found and what must not, by entity.

use std::sync::LazyLock;

use super::super::Detector;
use crate::pii::Entity::{self, *};
use crate::pii::TextSegment;

#[allow(clippy::expect_used)]
static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::new().expect("the word list is fixed and builds in every test"));

/// What was found in a text under a key, with the text of each span.
pub(super) fn found_at<'t>(pointer: &str, text: &'t str) -> Vec<(Entity, &'t str)> {
    let findings = DETECTOR.scan(&[TextSegment::new(pointer, text)]);
    findings.iter().map(|finding| (finding.entity, text.get(finding.span.clone()).unwrap_or("no boundary"))).collect()
}

pub(super) fn found(text: &str) -> Vec<(Entity, &str)> {
    found_at("/messages/0/content", text)
}

fn entities(text: &str) -> Vec<Entity> {
    found(text).into_iter().map(|(entity, _)| entity).collect()
}

fn assert_found(entity: Entity, cases: &[(&str, &str)]) {
    let missed: Vec<_> = cases
        .iter()
        .filter(|&&(text, value)| !found(text).contains(&(entity, value)))
        .map(|&(text, _)| (text, found(text)))
        .collect();
    assert!(missed.is_empty(), "{entity:?}: {missed:#?}");
}

#[test]
fn identity_cards() {
    assert_found(
        IdCard,
        &[
            ("удостоверение личности: 012345678", "012345678"),
            ("Удостоверение личности № 042 118 963, выдано МВД РК", "042 118 963"),
            ("уд. личности №042118963", "042118963"),
            ("уд.л. 042118963", "042118963"),
            ("Удостоверение личности выдано МВД РК 12.05.2015 № 042118963", "042118963"),
            ("Жеке куәлік нөмірі: 047 662 118", "047 662 118"),
            ("жеке куәлігімнің нөмірі 047662118 болатын", "047662118"),
            ("047662118 жеке куәлік", "047662118"),
            ("№ 047662118 куәлігі жоғалды", "047662118"),
            ("jeke kuälıgım 047662118", "047662118"),
            ("my ID card number is 047662118", "047662118"),
            ("{\"id_card\": \"047662118\"}", "047662118"),
            ("{\"documentNumber\": \"034871190\"}", "034871190"),
            ("surname=X; doc=034871190; a=b", "034871190"),
            ("012345678 — номер моего удостоверения", "012345678"),
            ("udostoverenie lichnosti 0 4 7 6 6 2 1 1 8", "0 4 7 6 6 2 1 1 8"),
        ],
    );
}

#[test]
fn passports() {
    assert_found(
        Passport,
        &[
            ("паспорт N12345678", "N12345678"),
            ("паспорт серия N № 12345678, выдан МВД РК", "серия N № 12345678"),
            ("Паспорт: N 1234 5678", "N 1234 5678"),
            ("төлқұжатым N12345678 еді", "N12345678"),
            ("N12345678 нөмірлі паспорт", "N12345678"),
            ("загранпаспорт 75 1234567", "75 1234567"),
            ("загран 75 № 1234567", "75 № 1234567"),
            ("Uzbek passport AA1234567", "AA1234567"),
            ("my passport number is C03005988", "C03005988"),
            ("US passport 123456789", "123456789"),
            ("{\"passport\": \"N12345678\"}", "N12345678"),
            ("{\"passportNumber\":\"M4417 2096\"}", "M4417 2096"),
            ("Паспорта: N12345678, N87654321", "N87654321"),
        ],
    );
    assert_found(
        RuPassport,
        &[
            ("паспорт РФ 45 08 771290", "45 08 771290"),
            ("паспорт 4508 771290 выдан ОВД", "4508 771290"),
            ("паспорт серия 45 08 № 771290, выдан ОВД", "серия 45 08 № 771290"),
            ("паспорт: серия 4508 номер 771290", "серия 4508 номер 771290"),
            ("Russian passport 4508771290", "4508771290"),
        ],
    );
}

#[test]
fn driving_licences_and_plates() {
    assert_found(
        DriverLicence,
        &[
            ("права BA 204417 заканчиваются", "BA 204417"),
            ("водительское удостоверение № ВА204417", "ВА204417"),
            ("жүргізуші куәлігім CP 771 208 ұрланды", "CP 771 208"),
            ("AB123456 жүргізуші куәлігі", "AB123456"),
            ("driver's license AB 123456", "AB 123456"),
            ("jurgizushi kualigi TC 935091", "TC 935091"),
            ("водительское удостоверение 123456789", "123456789"),
        ],
    );
    assert_found(
        Plate,
        &[
            ("видел 417 KLA 05 у дома", "417 KLA 05"),
            ("едет 123ABC02", "123ABC02"),
            ("417-KLA-05", "417-KLA-05"),
            ("номер машины 417 кла 05", "417 кла 05"),
            ("госномер 417АВС05", "417АВС05"),
            ("көлігінің нөмірі 417 kla 05", "417 kla 05"),
            ("старый госномер A 482 KPM", "A 482 KPM"),
            ("номер машины А123ВС777", "А123ВС777"),
            ("A 482 KPM — ескі үлгідегі нөмір", "A 482 KPM"),
            ("{\"plate\": \"288 BT 05\"}", "288 BT 05"),
        ],
    );
}

#[test]
fn contracts_accounts_and_patients_records() {
    assert_found(
        Contract,
        &[
            ("договор № 45123", "45123"),
            ("по договору АЛМ-20457 от 12.05.2024", "АЛМ-20457"),
            ("договор от 12.05.2024 № 45123/24", "45123/24"),
            ("АЛМ-20457 шарты бойынша төлем", "АЛМ-20457"),
            ("сіздің ҚТ-118/24 келісімшартыңыз бойынша", "ҚТ-118/24"),
            ("шарттың нөмірі 7781224, төлем", "7781224"),
            ("№ 83743 шартты бұзғым келеді", "83743"),
            ("nomer dogovora KZ55120934", "KZ55120934"),
            ("contract no. 1234567 was signed", "1234567"),
            ("{\"contractNumber\": \"MK-466532\"}", "MK-466532"),
            ("Вот номер: 9148637. Это договор займа", "9148637"),
            ("полис № 2024-881234", "2024-881234"),
        ],
    );
    assert_found(
        Account,
        &[
            ("л/с 70183344", "70183344"),
            ("лицевой счёт № 7018 3344", "7018 3344"),
            ("Дербес шот 70183344 бойынша", "70183344"),
            ("70183344 дербес шоты бойынша", "70183344"),
            ("номер абонента: 70183344", "70183344"),
            ("personal account: 70183344", "70183344"),
            ("account no. 5986669 is down", "5986669"),
        ],
    );
    assert_found(
        MedicalRecord,
        &[
            ("медкарта № А-118342", "А-118342"),
            ("история болезни 18535/25", "18535/25"),
            ("№ 12345 ауру тарихы бойынша", "12345"),
            ("палатада жатыр, дәрігер келді, карта № 56120", "56120"),
            ("medical record number A440655", "A440655"),
            ("MRN: 552810", "552810"),
        ],
    );
}

#[test]
fn dates_of_birth_pay_and_diagnoses() {
    assert_found(
        BirthDate,
        &[
            ("дата рождения: 12.03.1985", "12.03.1985"),
            ("родился 12 марта 1985 года в Семее", "12 марта 1985 года"),
            ("12.03.1967 г.р., поступил 01.09.2024", "12.03.1967"),
            ("1985 жылғы 12 наурызда туған", "1985 жылғы 12 наурызда"),
            ("туған күні 03.10.1948", "03.10.1948"),
            ("born on March 12, 1985 in Almaty", "March 12, 1985"),
            ("DOB: 1985-03-12", "1985-03-12"),
            ("д.р. 12.03.85", "12.03.85"),
            ("Ким Олег, 1985 г.р.", "1985"),
            ("{\"birthDate\":\"12/03/1985\"}", "12/03/1985"),
            ("name,dob\nA,1991-08-14\nB,1992-09-15", "1992-09-15"),
        ],
    );
    assert_found(
        Salary,
        &[
            ("оклад 520 тыс. тенге", "520 тыс. тенге"),
            ("моя зарплата 350000", "350000"),
            ("жалақым 285 000 теңге", "285 000 теңге"),
            ("мен 285 000 теңге жалақы аламын", "285 000 теңге"),
            ("my salary is $2,500 a month", "$2,500"),
            ("з/п 450к", "450к"),
            ("получаю 350 000 тенге", "350 000 тенге"),
        ],
    );
    assert_found(
        Diagnosis,
        &[
            ("Диагноз: E11.9. Назначен метформин", "E11.9"),
            ("диагнозы I10, аурухана", "I10"),
            ("Диагноз ребёнку поставили F84.0, комиссия", "F84.0"),
            ("Диагноз: сахарный диабет 2 типа. Рекомендована диета", "сахарный диабет 2 типа"),
            ("с диагнозом бронхиальная астма лежит", "бронхиальная астма лежит"),
            ("маған J48.3 деген диагноз қойды", "J48.3"),
            ("diagnosed with type 2 diabetes", "type 2 diabetes"),
            ("пациент на приёме, Е11.9", "Е11.9"),
            ("код МКБ-10: J45.0", "J45.0"),
        ],
    );
}

#[test]
fn numbers_of_neighbours_and_banks() {
    assert_found(RuInn, &[("ИНН 540671829003", "540671829003"), ("ИНН 7707083893", "7707083893")]);
    assert_found(Snils, &[("112-233-445 95", "112-233-445 95"), ("СНИЛС 11223344595", "11223344595")]);
    assert_found(UzPinfl, &[("31906872150062", "31906872150062"), ("ПИНФЛ 31906872150063", "31906872150063")]);
    assert_found(KgPin, &[("ПИН 20907199400318", "20907199400318"), ("ИНН 20907199400318", "20907199400318")]);
    assert_found(UsSsn, &[("536-90-4399", "536-90-4399"), ("SSN 536904399", "536904399")]);
    assert_found(
        Swift,
        &[("SWIFT: CASPKZKA", "CASPKZKA"), ("они просят DEUTDEFF500 указать", "DEUTDEFF500"), ("HSBKKZKX", "HSBKKZKX")],
    );
}

#[test]
fn labels_of_all_kinds() {
    let cases: &[(Entity, &str, &str)] = &[
        (Passport, "passport C4VX19K7M, will visit", "C4VX19K7M"),
        (Passport, "hers passport C9TM44210, she born", "C9TM44210"),
        (RuPassport, "паспорт гр. РФ 4510 123456", "4510 123456"),
        (IdCard, "Потерял 042118963 - это номер моего удостоверения", "042118963"),
        (IdCard, "udostak 050123987", "050123987"),
        (DriverLicence, "DL no. AE 778812", "AE 778812"),
        (DriverLicence, "AB123456 - серия и номер прав", "AB123456"),
        (Plate, "а/м гос. № А123ВС77", "А123ВС77"),
        (Plate, "номерной знак 777 AAA 05", "777 AAA 05"),
        (Account, "lic schet 00931745, svet otkluchili", "00931745"),
        (Account, "есеп айырысу шоты 07721145", "07721145"),
        (MedicalRecord, "chart number L-448120, талон 16", "L-448120"),
        (MedicalRecord, "Прививку поставили, а в карте ДП 7719 её нет", "ДП 7719"),
        (MedicalRecord, "екпе салынды, карточкасы 7741-Б", "7741-Б"),
        (BirthDate, "Ситников, род. 30 января 2005 г., учится", "30 января 2005 г"),
        (BirthDate, "Женщина родилась в 1954 году, 2 мая, в Ташкенте", "1954 году, 2 мая"),
        (Salary, "мне платят 450 000 тенге", "450 000 тенге"),
        (Salary, "Предлагают 480 000 до вычета, думаю", "480 000 до вычета"),
    ];
    for &(entity, text, value) in cases {
        assert_found(entity, &[(text, value)]);
    }
}

const NEGATIVES: &[&str] = &[
    "вес брутто 1 843 кг, ТН ВЭД 8517 13 000 0, позвоните",
    "жалақы қоры 700 мың",
    "2005 жылы туған жер туралы",
    "карта Visa Gold 1234, пациентам скидка",
    "договор № 5",
    "договор аренды на 2024 год",
    "по договору от 12.05.2024 мы платим",
    "договор на 150000 тенге",
    "договор 2023-2024",
    "по договору оплатили 45 000 тг",
    "Қазақ тілінде «еңбек шарты» туралы 94-V заңы",
    "шарт бойынша 20457 тапсырысы",
    "заказ 12345678 по договору",
    "заказ № 123456789, трек 987654321",
    "паспорт безопасности объекта утвердить до 22.11.2027",
    "Жобаның паспорты 26.06.2027 дейін бекітілсін",
    "паспорт делают 10 дней, госпошлина 12345 тенге",
    "удостоверение делают 15 рабочих дней",
    "инвойс 123456789",
    "счётчик 123456789, показания 004512",
    "артикул 123456789",
    "статья 158 УК РК, протокол № 12345",
    "средняя зарплата по стране 420 000 тенге",
    "минимальная зарплата 85 000 тенге",
    "вакансия: зарплата 300 000 тенге",
    "орташа жалақы 380 000 теңге",
    "зарплату дают 5 числа, удержали 10%",
    "зарплата от 220 до 350 тысяч",
    "мне 35 лет, день рождения скоро",
    "Абай родился 10 августа 1845 года",
    "Иванов, Петров и др. 12.05.2024 пришли",
    "встреча 12.03.2025 в 10:00",
    "что значит код МКБ-10 J45.0?",
    "What do codes J00–J06 mean in ICD-10?",
    "диагноз поставят врачи",
    "какой диагноз поставили?",
    "модель E11.9",
    "витамин B12",
    "курс 512 KZT 10",
    "цена 200 USD 15",
    "123 abc 02 в коде",
    "450 XYZ 77",
    "DOCUMENT DATABASE CUSTOMER TELEGRAM",
    "20261122070500",
    "112-233-445 96",
    "000-12-3456",
    "RA123456785KZ отслеживание",
    "комната 204417, страница 12345",
    "[00:19] Абонент: 4600428695343 штрих-код",
    "Номер талона B047, касса 11",
    "v12.4.0-rc.1 и 12.04.2024",
    "\"id\": 123456789",
];

#[test]
fn hard_negatives_stay_negative() {
    let wrong: Vec<_> =
        NEGATIVES.iter().map(|text| (text, found(text))).filter(|(_, found)| !found.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_hides_what_is_stronger() {
    assert!(entities("договор 901123300258").contains(&Iin));
    assert!(entities("паспорт 4400430212345679").contains(&Card));
    assert!(entities("ИНН 901123300258").contains(&Iin));
    assert!(entities("договор KZ86125KZT5004100100").contains(&Iban));
}

#[test]
fn keys_above_a_text_count_as_words() {
    let at = |pointer: &str, text: &str| found_at(pointer, text).iter().map(|found| found.0).collect::<Vec<_>>();
    assert_eq!(at("/client/passport", "N12345678"), [Passport]);
    assert_eq!(at("/client/contractNumber", "АЛМ-20457"), [Contract]);
    assert_eq!(at("/client/birth_date", "1985-03-12"), [BirthDate]);
    assert_eq!(at("/client/salary", "350000"), [Salary]);
    assert_eq!(at("/client/diagnosis", "сахарный диабет 2 типа"), [Diagnosis]);
    assert_eq!(at("/messages/0/content", "N12345678"), []);
}

#[test]
fn findings_and_rejections_explain_themselves() {
    let explain = |text: &str| DETECTOR.explain(&[TextSegment::new("", text)]);
    let (findings, _) = explain("договор № 45123");
    let reasons: Vec<_> = findings.iter().map(|finding| (finding.rule, finding.context)).collect();
    assert_eq!(reasons, [("contract/context", Some("договор"))]);
    let (findings, rejections) = explain("номер 123456789");
    assert!(findings.is_empty());
    assert!(rejections.iter().any(|rejection| rejection.entity == IdCard));
    let (_, rejections) = explain("средняя зарплата 420 000 тенге");
    assert!(rejections.iter().any(|rejection| rejection.entity == Salary));
}
