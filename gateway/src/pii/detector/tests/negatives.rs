//! What must not be found: numbers of things, not of people.

use super::found;
use super::generate::Random;
use crate::pii::Entity;

const NEGATIVES: &[&str] = &[
    // check digit, month, century, never issued
    "850101300123",
    "991331405004",
    "070615901234",
    "920315300550",
    // inside a longer contiguous number
    "заказ 12901123300258777777",
    "90112330025812345678",
    "трек 90112330025890112330025890112330025",
    "RA123456785KZ отслеживание",
    "Заказ № 100200300, счёт-фактура 7788990011",
    "накладная 000123456789",
    "invoice INV-2026-000123456",
    "счётчик 000048213377",
    "SKU 4820012345-77",
    "артикул 4006381333931",
    "ISBN 978-3-16-148410-0",
    "EAN 4870001234567",
    "штрихкод 4870202360017",
    "2026-11-22 07:05:00",
    "2026-11-22T07:05:00.123456Z",
    "20261122070500",
    "1763794800123",
    "1763794800",
    "22.11.2026 07:05",
    "цена 1 250 000 тенге, скидка 15%",
    "12 500 000,50 KZT",
    "87 011 234 567 тенге",
    "v1.2.3-rc.4+build.2026.11.22",
    "1.23.456.7890",
    "d41d8cd98f00b204e9800998ecf8427e",
    "ICD-10 chapter X covers respiratory diseases. \\x4c\\x69\\x73\\x74 its blocks",
    "Шарт деген &#1085;&#1077;?",
    "docker run -p 8080:80 nginx",
    "curl -u ${USER}:${PASS} http://10.0.0.1/",
    "Приложите договоры за 2019, 2020, 2021 годы",
    "550e8400-e29b-41d4-a716-446655440000",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "192.168.0.1:8080, 10.0.0.255, 172.16.254.1",
    "let x = 1_000_000_007; // mod",
    "0x7fffffffffffffff",
    "3.14159265358979",
    "2.718281828459045",
    "f(x) = 12*x + 345/678 - 90",
    "6.02214076e23",
    "8 800 080 7777",
    "8-800-200-02-00",
    "+7 800 555 35 35",
    "88005553535",
    "звоните 1414, 109, 112 или 103",
    "звоните 8 800 080 77 77",
    "@decorator def f(): pass",
    "a@b",
    "pkg@1.2.3, @types/node@18.0.0, lodash@^4.17.21",
    "git clone git@github.com:org/repo.git",
    "icon@2x.png",
    "getty@tty1.service",
    "x = a @ b.T",
    "y = A @ B.transpose()",
    "root@192.168.0.10",
    "look at this dot",
    "meet me at home.",
    "моя собака любит mail",
    "[at] (at) @ @@ @.@",
    "at 10 this have been sent with care",
    "it 12 apples and some more text here",
    "is 20 be 15 no 99 me 30 de 40 se 50 si 60",
    "KZ 2026",
    "KZ87125KZT5004100100",
    "GB29NWBK60161331926818",
    "карта сайта, 12 разделов",
    "картина 4400 и картошка 1234",
    "прайс 2024 2025 2026 2027",
    "00000000",
    "binary 10110011 01010101 11110000",
    "2 + 2 = 4; 5 + 12125550100",
    "call_905551234567 tool_call_id",
    "sha 3f87011234567e4d5a6b7c8d9e0f",
    "0.4400430212345679",
    "4400,430,212,345,679",
    "2024, 2025, 2026, 2027",
    "07:05:00, 12:30:15, 18:45:59",
    "87,011,234,567",
    "GMT+5, UTC+05:00",
    "%20%30 100%25",
    "internationalization & misunderstandings",
];

#[test]
fn hard_negatives_stay_negative() {
    for text in NEGATIVES {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn random_twelve_digits_are_seldom_personal() {
    let mut random = Random(7);
    let total = 40_000_usize;
    let mut iins = 0;
    let mut bins = 0;
    for _ in 0..total {
        let number = random.digits(12);
        match found(&format!("заказ {number} принят")).as_slice() {
            [] => {}
            [(Entity::Iin, _)] => iins += 1,
            [(Entity::Bin, _)] => bins += 1,
            other => assert_eq!(other, [], "{number}"),
        }
    }
    // Date, century and check digit pass 0.25 % of all twelve digits.
    assert!(iins * 1000 < total * 4, "{iins} of {total}");
    assert!(bins * 1000 < total * 3, "{bins} of {total}");
    assert!(iins > 0 && bins > 0);
}
