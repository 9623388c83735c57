//! Addresses on the network, wallets, names in social networks, dictated e-mail.

use proptest::prelude::*;

use super::{assert_all, assert_none, found_of};
use crate::pii::Entity::{Crypto, Email, Handle, Ip, Mac};

#[test]
fn public_ip_addresses() {
    assert_all(
        Ip,
        &[
            ("вход с 95.56.234.17", "95.56.234.17"),
            ("2.72.118.45:8080", "2.72.118.45"),
            ("95.56.234.0/24", "95.56.234.0"),
            ("95[.]56[.]234[.]17", "95[.]56[.]234[.]17"),
            ("95(dot)56(dot)234(dot)17", "95(dot)56(dot)234(dot)17"),
            ("95.56.234.l7", "95.56.234.l7"),
            ("IP 95 . 56 . 234 . 17", "95 . 56 . 234 . 17"),
            ("９５.５６.２３４.１７", "９５.５６.２３４.１７"),
            ("http://95.56.234.17/x", "95.56.234.17"),
            ("2a02:6b8::2:242", "2a02:6b8::2:242"),
            ("с [2a00:1450:4010:c05::71]:443", "2a00:1450:4010:c05::71"),
        ],
    );
    assert_none(
        Ip,
        &[
            "192.168.0.1, 10.0.0.255, 172.16.254.1, 127.0.0.1, 169.254.1.1, 100.64.0.1, 0.0.0.0, 224.0.0.1, 255.255.255.0",
            "192.0.2.1, 198.51.100.7, 203.0.113.9",
            "8.8.8.8 и 1.1.1.1",
            "версия 95.56.234.17",
            "v1.2.3.4, lib-21.32.43.54.tar.gz",
            "п. 4.12.0.3 договора",
            "1.2.3.4.5",
            "256.1.1.1",
            "12.04.2024.10",
            "fe80::1, ::1, 2001:db8::1, fd00::1",
            "std::vector, 12:30:45, a::b",
        ],
    );
}

#[test]
fn hardware_addresses() {
    assert_all(
        Mac,
        &[
            ("MAC 3C:52:82:1F:A0:7B,", "3C:52:82:1F:A0:7B"),
            ("3c-52-82-1f-a0-7b", "3c-52-82-1f-a0-7b"),
            ("3c52.821f.a07b", "3c52.821f.a07b"),
            ("00:1B:44:11:3A:B7", "00:1B:44:11:3A:B7"),
            ("mac: 3C52821FA07B", "3C52821FA07B"),
        ],
    );
    assert_none(
        Mac,
        &[
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "12:30:45",
            "12-10-20-30-40-50",
            "aa:bb:cc:dd:ee:ff:00:11",
            "3c:52:82:1f:a0",
        ],
    );
}

#[test]
fn wallets() {
    assert_all(
        Crypto,
        &[
            ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
            ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
            ("bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
            ("0x52908400098527886E0F7030069857D2E4169EE7", "0x52908400098527886E0F7030069857D2E4169EE7"),
            ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
            ("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
            ("1A1zP1eP5QGefi2DMPTf\nTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTf\nTL5SLmv7DivfNa"),
            ("кошелёк 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
        ],
    );
    assert_none(
        Crypto,
        &[
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
            "0x52908400098527886E0F7030069857D2E4169EE7AA",
            "0x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "d41d8cd98f00b204e9800998ecf8427e",
            "ThisIsAVeryLongCamelCaseIdentifier1",
        ],
    );
}

#[test]
fn names_in_networks() {
    assert_all(
        Handle,
        &[
            ("телеграм @user_name", "@user_name"),
            ("пишите в t.me/dana_k", "t.me/dana_k"),
            ("https://www.instagram.com/aigul.98/", "https://www.instagram.com/aigul.98"),
            ("vk.com/id12345", "vk.com/id12345"),
            ("wa.me/77011234567", "wa.me/77011234567"),
            ("мой инстаграм aigul_98", "aigul_98"),
            ("linkedin.com/in/erlan-nurbekov", "linkedin.com/in/erlan-nurbekov"),
            ("login @zhanik_0707, пароль", "@zhanik_0707"),
            ("telegram: dana.k", "dana.k"),
        ],
    );
    assert_none(
        Handle,
        &[
            "@decorator def f(): pass",
            "@app.route('/x')\ndef f(): pass",
            "@media (max-width: 10px)",
            "npm i @types/node @babel/core",
            "https://github.com/rust-lang/rust",
            "подпишитесь на наш телеграм канал",
            "t.me/share/url",
            "подписывайтесь на @kaspi_kz",
            "instagram.com/explore",
            "скачать telegram desktop 5.2",
            "a@mail.kz",
            "@Override public void run()",
            "x = a @ b.T",
        ],
    );
}

#[test]
fn dictated_email() {
    assert_all(
        Email,
        &[
            ("иван точка петров собака мейл точка ру", "иван точка петров собака мейл точка ру"),
            ("ivan dot petrov at gmail dot com", "ivan dot petrov at gmail dot com"),
            (
                "aigul нижнее подчеркивание 98 собака gmail точка com",
                "aigul нижнее подчеркивание 98 собака gmail точка com",
            ),
            ("айгүл нүкте 98 ит белгісі gmail нүкте com", "айгүл нүкте 98 ит белгісі gmail нүкте com"),
            ("почта volodya тире 1951 собака яндекс точка ру", "volodya тире 1951 собака яндекс точка ру"),
            ("иван (эт) гмэйл точка ком", "иван (эт) гмэйл точка ком"),
            ("dana собака mail точка kz точка", "dana собака mail точка kz"),
            ("логинім — timur нүкте 1973 собака qazclinic нүкте kz", "timur нүкте 1973 собака qazclinic нүкте kz"),
            ("ivan [at] mail [dot] ru", "ivan [at] mail [dot] ru"),
            ("aigerim.dosova собака mail.ru", "aigerim.dosova собака mail.ru"),
        ],
    );
    assert_none(
        Email,
        &[
            "моя собака любит mail",
            "meet me at home.",
            "look at this dot",
            "собака гуляет, точка",
            "моя собака, лист и точка",
            "at 10 this have been sent with care",
            "у нас дома собака и кот, пишите на форум",
        ],
    );
}

proptest! {
    #[test]
    fn every_public_address_of_version_4_is_found(a in 32_u8..=95, b: u8, c: u8, d: u8) {
        let address = format!("{a}.{b}.{c}.{d}");
        let text = format!("запрос с адреса {address} отклонён");
        let is_known = [[77, 88, 8, 8], [77, 88, 8, 1], [94, 140, 14, 14], [94, 140, 15, 15]].contains(&[a, b, c, d]);
        prop_assert_eq!(found_of(Ip, &text), if is_known { vec![] } else { vec![address.as_str()] });
    }

    #[test]
    fn every_hardware_address_is_found(bytes in prop::array::uniform6(1_u8..)) {
        let [a, b, c, d, e, f] = bytes;
        prop_assume!(bytes.iter().any(|&byte| byte != a) );
        let address = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
        // Digits alone may be a telephone in pairs.
        prop_assume!(address.bytes().any(|byte| byte.is_ascii_lowercase()));
        let text = format!("роутер {address} в сети");
        prop_assert_eq!(found_of(Mac, &text), vec![address.as_str()]);
    }

    #[test]
    fn nothing_panics_and_spans_are_on_boundaries(text in "[ул.дкв пароль:@/a1\u{200b}é—()=:.,0-9\n]{0,80}") {
        for (_, value) in super::found(&text) {
            prop_assert_ne!(value, "not on a boundary");
        }
    }
}
