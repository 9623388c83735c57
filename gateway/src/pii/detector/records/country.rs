//! Countries as bank codes name them (ISO 3166-1 alpha-2, and XK for Kosovo).

/// Two letters each, ascending.
const CODES: &str = "ad ae af ag ai al am ao ar at au aw az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cd cf \
    cg ch ci ck cl cm cn co cr cu cv cw cy cz de dj dk dm do dz ec ee eg er es et fi fj fk fm fo fr ga gb gd ge gf gg gh \
    gi gl gm gn gp gq gr gt gw gy hk hn hr ht hu id ie il im in iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz \
    la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl \
    no np nr nu nz om pa pe pf pg ph pk pl pm pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr \
    ss st sv sy sz tc td tg th tj tl tm tn to tr tt tv tw tz ua ug us uy uz va vc ve vg vi vn vu wf ws xk ye yt za zm zw";

/// For every first letter the second ones, a bit each: many words have the shape of a bank's code.
const BY_FIRST: [u32; 26] = {
    let mut table = [0; 26];
    let codes = CODES.as_bytes();
    let mut at = 0;
    while at + 1 < codes.len() {
        if codes[at] == b' ' {
            at += 1;
        } else {
            table[(codes[at] - b'a') as usize] |= 1 << (codes[at + 1] - b'a');
            at += 2;
        }
    }
    table
};

/// Whether two letters in lower case are a country.
pub(super) fn is_country(code: &[u8]) -> bool {
    let [first @ b'a'..=b'z', second @ b'a'..=b'z'] = code else { return false };
    let second_letters = BY_FIRST.get(usize::from(first - b'a')).copied().unwrap_or_default();
    second_letters >> (second - b'a') & 1 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_and_others() {
        for known in ["kz", "de", "ad", "zw", "us"] {
            assert!(is_country(known.as_bytes()), "{known}");
        }
        for unknown in ["zz", "aa", "k", "", "kzz", " a"] {
            assert!(!is_country(unknown.as_bytes()), "{unknown}");
        }
        assert!(CODES.split_ascii_whitespace().is_sorted());
    }
}
