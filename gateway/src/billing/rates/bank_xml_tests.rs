//! The bank's own answer, and what may come instead of it.

use proptest::prelude::*;

use super::*;

/// As it was answered for 2026-08-01, shortened to five currencies.
const REAL: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<rates>
    <generator>Alternate RSS Builder</generator>
    <title>Official exchange rates of National Bank of Republic Kazakhstan</title>
    <link>www.nationalbank.kz</link>
    <date>01.08.2026</date>
    <item>
        <fullname>ДОЛЛАР США</fullname>
        <title>USD</title>
        <description>473.59</description>
        <quant>1</quant>
        <index>DOWN</index>
        <change>-1.04</change>
    </item>
    <item>
        <fullname>РОССИЙСКИЙ РУБЛЬ</fullname>
        <title>RUB</title>
        <description>5.94</description>
        <quant>1</quant>
        <index>UP</index>
        <change>+0.02</change>
    </item>
    <item>
        <fullname>УЗБЕКСКИХ СУМОВ</fullname>
        <title>UZS</title>
        <description>3.96</description>
        <quant>100</quant>
        <index></index>
        <change>0.00</change>
    </item>
    <item>
        <fullname>АРМЯНСКИЙ ДРАМ</fullname>
        <title>AMD</title>
        <description>13.05</description>
        <quant>10</quant>
        <index>DOWN</index>
        <change>-0.03</change>
    </item>
    <item>
        <fullname>ИРАНСКИЙ РИАЛ</fullname>
        <title>IRR</title>
        <description>11.24</description>
        <quant>10000</quant>
        <index>UP</index>
        <change>+0.01</change>
    </item>
</rates>
"#;

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn read(xml: &str, currency: &str) -> Result<Published, BadXml> {
    read_bank_xml(xml.as_bytes(), Some(date("2026-08-01")), currency.parse().unwrap())
}

fn dollar(xml: &str) -> Result<Published, BadXml> {
    read(xml, "USD")
}

#[test]
fn the_banks_answer_is_read_for_one_unit() {
    for (currency, rate) in [("USD", "473.59"), ("RUB", "5.94"), ("UZS", "0.0396"), ("AMD", "1.305")] {
        let published = read(REAL, currency).unwrap();
        assert_eq!((published.date, published.rate.to_string().as_str()), (date("2026-08-01"), rate), "{currency}");
    }
    let currency: Currency = "IRR".parse().unwrap();
    assert_eq!(read(REAL, "IRR"), Err(BadXml::Rate { currency, problem: BadRate::Inexact }));
    let currency: Currency = "EUR".parse().unwrap();
    assert_eq!(read(REAL, "EUR"), Err(BadXml::Missing { date: date("2026-08-01"), currency }));
}

#[test]
fn the_date_of_the_answer_counts_and_not_the_one_asked_for() {
    let later = read_bank_xml(REAL.as_bytes(), Some(date("2026-08-02")), Currency::USD).unwrap();
    assert_eq!(later.date, date("2026-08-01"));
    let asked = date("2026-07-31");
    let error = read_bank_xml(REAL.as_bytes(), Some(asked), Currency::USD);
    assert_eq!(error, Err(BadXml::Later { date: date("2026-08-01"), asked }));
    for wrong in ["", "2026-08-01", "1.8.2026", "32.08.2026", "01.08.26", "01.08.2026 12:00", "+1.08.2026"] {
        assert_eq!(dollar(&REAL.replace("01.08.2026", wrong)), Err(BadXml::NoDate), "{wrong}");
    }
    assert_eq!(dollar(&REAL.replace("<date>01.08.2026</date>", "")), Err(BadXml::NoDate));
    let repeated = |field: &str| Err(BadXml::Repeated { field: field.to_owned() });
    assert_eq!(dollar(&REAL.replace("</date>", "</date><date>01.08.2026</date>")), repeated("date"));
    // Of two texts nobody may make one number.
    assert_eq!(dollar(&REAL.replacen("<quant>1</quant>", "<quant>1</quant><quant>0</quant>", 1)), repeated("quant"));
}

#[test]
fn a_day_without_rates_is_none() {
    let empty = "<rates><date>01.08.2026</date></rates>";
    assert_eq!(dollar(empty), Err(BadXml::EmptyDay { date: date("2026-08-01") }));
    assert_eq!(dollar("<rates/>"), Err(BadXml::NoDate));
    assert_eq!(dollar(""), Err(BadXml::NoDate));
    assert_eq!(dollar("no information"), Err(BadXml::NoDate));
}

#[test]
fn what_is_no_answer_of_the_bank_is_refused() {
    let root = |root: &str| BadXml::NotRates { root: root.to_owned() };
    assert_eq!(dollar("<html><body>502 Bad Gateway</body></html>"), Err(root("html")));
    assert_eq!(dollar("<!DOCTYPE html><html><body><br></body></html>"), Err(BadXml::Forbidden));
    assert_eq!(dollar("<rss><channel/></rss>"), Err(root("rss")));
    assert_eq!(dollar(&REAL[..REAL.len() / 2]), Err(BadXml::Malformed));
    assert_eq!(dollar(&REAL.replace("</item>", "</itm>")), Err(BadXml::Malformed));
    assert_eq!(dollar(&format!("{REAL}{REAL}")), Err(BadXml::Repeated { field: "date".to_owned() }));
    assert_eq!(read_bank_xml(&[0xd0, 0xff], Some(date("2026-08-01")), Currency::USD), Err(BadXml::NotUtf8));
    let large = format!("{REAL}<!--{}-->", " ".repeat(MAX_BYTES));
    assert_eq!(dollar(&large), Err(BadXml::TooLarge));
}

#[test]
fn nothing_is_expanded_and_nothing_grows() {
    let bomb = "<!DOCTYPE rates [<!ENTITY a \"473.59\"><!ENTITY b \"&a;&a;\">]>";
    assert_eq!(dollar(&REAL.replace("<rates>", &format!("{bomb}<rates>"))), Err(BadXml::Forbidden));
    assert_eq!(dollar(&REAL.replace("473.59", "&b;")), Err(BadXml::Forbidden));
    assert_eq!(dollar(&REAL.replace("473.59", "&#52;73.59")), Err(BadXml::Forbidden));
    assert!(dollar(&REAL.replace("ДОЛЛАР США", "ДОЛЛАР &amp; ЦЕНТ")).is_ok());
    let deep = format!("<rates>{}", "<a>".repeat(9));
    assert_eq!(dollar(&deep), Err(BadXml::TooMuch));
    let items = "<item></item>".repeat(MAX_ITEMS + 1);
    assert_eq!(dollar(&format!("<rates>{items}</rates>")), Err(BadXml::TooMuch));
    assert_eq!(dollar(&REAL.replace("473.59", &"4".repeat(MAX_TEXT_BYTES + 1))), Err(BadXml::TooMuch));
}

#[test]
fn absurd_rates_are_refused_and_those_of_others_are_in_nobodys_way() {
    let currency = Currency::USD;
    let refused = |rate: &str, problem: BadRate| {
        assert_eq!(dollar(&REAL.replace("473.59", rate)), Err(BadXml::Rate { currency, problem }), "{rate}");
    };
    for rate in ["0", "-473.59", "1000001"] {
        refused(rate, BadRate::Absurd);
    }
    for rate in ["", "473,59", "много", "4.7e2"] {
        refused(rate, BadRate::Rate(crate::billing::BadAmount::NotANumber));
    }
    let without_quantity = REAL.replacen("<quant>1</quant>", "", 1);
    assert_eq!(dollar(&without_quantity), Err(BadXml::Rate { currency, problem: BadRate::Quantity }));
    assert_eq!(dollar(&REAL.replace("RUB", "USD")), Err(BadXml::Twice { currency }));
    assert!(dollar(&REAL.replace("5.94", "0")).is_ok());
    assert!(dollar(&REAL.replace("473.59", " <![CDATA[473.59]]>\n")).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        start in 0..REAL.len(), len in 0..200_usize, put in "[<>&;/a-z0-9.\\[\\]! ]{0,12}",
    ) {
        let mut bytes = REAL.as_bytes().to_vec();
        let end = (start + len).min(bytes.len());
        bytes.splice(start..end, put.bytes());
        if let Ok(published) = read_bank_xml(&bytes, Some(date("2026-08-01")), Currency::USD) {
            prop_assert!(published.date <= date("2026-08-01"));
            prop_assert!(published.rate.ten_thousandths().get() <= 10_000_000_000);
        }
    }
}
