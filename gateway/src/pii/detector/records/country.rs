//! Countries as bank codes name them (ISO 3166-1 alpha-2, and XK for Kosovo).

/// Two letters each, ascending.
const CODES: &str = "ad ae af ag ai al am ao ar at au aw az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cd cf \
    cg ch ci ck cl cm cn co cr cu cv cw cy cz de dj dk dm do dz ec ee eg er es et fi fj fk fm fo fr ga gb gd ge gf gg gh \
    gi gl gm gn gp gq gr gt gw gy hk hn hr ht hu id ie il im in iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz \
    la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl \
    no np nr nu nz om pa pe pf pg ph pk pl pm pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr \
    ss st sv sy sz tc td tg th tj tl tm tn to tr tt tv tw tz ua ug us uy uz va vc ve vg vi vn vu wf ws xk ye yt za zm zw";

/// Whether two letters in lower case are a country.
pub(super) fn is_country(code: &[u8]) -> bool {
    code.len() == 2 && CODES.split_ascii_whitespace().any(|known| known.as_bytes() == code)
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
