//! What can be the value of a password or a key, and what only stands where one would: a placeholder, the name of a
//! type, code that reads the value from elsewhere.

use std::sync::LazyLock;

use crate::pii::detector::views::normalize::{is_continuation, is_letter};
use crate::pii::detector::word_list::WordList;

/// Words of documentation and of code in the place of a value, in lower case.
static NOT_VALUES: LazyLock<WordList> = LazyLock::new(|| {
    WordList::new(
        "\
    string str text varchar char any object number integer int boolean bool bytes null none nil undefined true \
    false required optional empty hidden redacted masked password passwd secret token value field option type \
    input void unknown default authentication authenticated failed incorrect wrong invalid expired reset change changeme \
    changed manager policy must should is and or not the for your my our no yes n/a secretstr sensitive example \
    below above here same later ok see please with from нет не да есть тот же такой как ниже выше скрыт пустой \
    обязателен обязательно минимум максимум должен от для на в и или это что где тут жоқ емес және кемінде керек болуы қате дұрыс ұмытып неверный \
    неверен истек устарел сменить восстановить забыл забыли латиница цифры буквы",
    )
});

const MAX_LEN: usize = 200;

/// How much like a random value something looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Look {
    /// Not a value at all.
    None,
    /// A word or a number.
    Plain,
    /// Letters with digits or signs.
    Mixed,
}

/// How a value in a view looks, with its case in the source.
pub(crate) fn look(value: &[u8], cased: &str) -> Look {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let is_long_enough = value.len() >= 3 && value.len() <= MAX_LEN;
    if !is_long_enough || NOT_VALUES.holds(text) || is_placeholder(value) || is_code(value) {
        return Look::None;
    }
    let letters = value.iter().any(|&byte| is_letter(byte));
    let digits = value.iter().any(u8::is_ascii_digit);
    let signs =
        value.iter().any(|&byte| !is_letter(byte) && !byte.is_ascii_digit() && !matches!(byte, b'-' | b'.' | b'/'));
    let inner_capital = cased.chars().skip(1).any(char::is_uppercase) && cased.chars().any(char::is_lowercase);
    if letters && (digits || signs || inner_capital && value.len() >= 6) || digits && signs && value.len() >= 6 {
        return Look::Mixed;
    }
    Look::Plain
}

/// `***`, `xxxx`, `<password>`, `${PASSWORD}`, `YOUR_API_KEY`, `...`.
pub(crate) fn is_placeholder(value: &[u8]) -> bool {
    let Some((&first, rest)) = value.split_first() else { return true };
    let is_repeated = rest.iter().all(|&byte| byte == first) && (!first.is_ascii_digit() || first == b'0');
    let is_variable = matches!(first, b'$' | b'<' | b'{' | b'%')
        && value.len() > 1
        && value.get(1).is_some_and(|&byte| {
            matches!(byte, b'{' | b'(')
                || first == b'%' && byte == b'%'
                || first != b'%'
                    && is_letter(byte)
                    && value.iter().all(|&byte| {
                        // "$ecret99" is no variable.
                        is_letter(byte)
                            || byte.is_ascii_digit() && first != b'$'
                            || matches!(byte, b'_' | b'$' | b'<' | b'>' | b'{' | b'}' | b'-' | b' ' | b'.')
                    })
                || first == b'%' && value.last() == Some(&b'%')
        });
    let stars = value.iter().filter(|byte| matches!(byte, b'*' | b'.' | b'_' | b'-' | b';')).count();
    let is_hidden = value.contains(&b'*') && stars * 3 >= value.len() * 2 || stars == value.len();
    let is_example = [
        "your_",
        "your-",
        "yourp",
        "yours",
        "your ",
        "<your",
        "my_api",
        "xxxx",
        "example",
        "placeholder",
        "insert_",
        "replace_",
        "todo",
        "[redacted",
    ]
    .iter()
    .any(|start| value.starts_with(start.as_bytes()))
        || holds(value, b"_here")
        || holds(value, b"xxxx")
        || holds(value, b"....")
        || holds(value, b"redacted");
    is_repeated || is_variable || is_hidden || is_example
}

/// Values are short: a searcher would cost more than it saves.
fn holds(value: &[u8], part: &[u8]) -> bool {
    value.windows(part.len().max(1)).any(|window| window == part)
}

/// `os.environ["KEY"]`, `get_password()`, `self.password`, `process.env.token`, `new_password`.
fn is_code(value: &[u8]) -> bool {
    let is_identifier = |part: &[u8]| {
        part.first().copied().is_some_and(|byte| is_letter(byte) || byte == b'_')
            && part.iter().all(|&byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
    };
    let head_len = value.iter().position(|byte| matches!(byte, b'(' | b'[')).unwrap_or(value.len());
    let head = value.get(..head_len).unwrap_or_default();
    let is_path = !head.is_empty() && head.split(|&byte| byte == b'.').all(is_identifier);
    let is_call = head_len < value.len() && is_path && head_len >= 3;
    let has_digit = head.iter().any(u8::is_ascii_digit);
    let is_member = is_path && head.contains(&b'.') && !has_digit;
    let is_variable = is_path
        && !has_digit
        && head.contains(&b'_')
        && ["pass", "pwd", "secret", "token", "key", "env", "config", "hash"]
            .iter()
            .any(|part| holds(head, part.as_bytes()));
    is_call || is_member || is_variable
}

/// `max_tokens`, `primary-key`, `rsa-4096`: words with separators, at most one short number.
pub(crate) fn is_name(value: &[u8], digits_of_key: usize) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_separated = value.iter().any(|byte| matches!(byte, b'-' | b'_' | b'.' | b'/' | b'(' | b'['));
    let is_wordy = value.split(|byte| matches!(byte, b'-' | b'_' | b'.' | b'/')).all(|part| {
        let part_digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
        part_digits == 0 || part_digits == part.len() && part_digits <= 4
    });
    is_separated && is_wordy && digits < digits_of_key
}

/// An e-mail address or a link is no password.
pub(crate) fn is_address(value: &[u8]) -> bool {
    let is_mail = value.iter().position(|&byte| byte == b'@').is_some_and(|at| {
        let domain = value.get(at + 1..).unwrap_or_default();
        at > 0
            && domain.contains(&b'.')
            && domain.iter().all(|&byte| is_letter(byte) || byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
    });
    is_mail || holds(value, b"://")
}

/// «8-символьный», «2-х», «12ти»: a number with the ending of a word, a date, a time.
pub(crate) fn is_counted(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = value.get(digits..).unwrap_or_default();
    let letters = rest.iter().filter(|&&byte| is_letter(byte) && !is_continuation(byte)).count();
    let is_ending =
        digits > 0 && digits <= 2 && (rest.first() == Some(&b'-') || rest.first().is_some_and(|&byte| byte >= 0x80));
    let is_time = letters == 0
        && rest.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'-' | b'/' | b','));
    is_ending && rest.iter().all(|&byte| is_letter(byte) || byte == b'-') || is_time && digits < value.len()
}

/// A key has several digits, or it is a name.
pub(crate) fn has_digits(value: &[u8]) -> bool {
    value.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2
}
