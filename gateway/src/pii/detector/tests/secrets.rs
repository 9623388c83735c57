//! Passwords, keys and tokens: the value alone, and what only talks about one.

use super::{assert_all, found_of, scan_at};
use crate::pii::Entity::Secret;

#[test]
fn keys_known_by_their_prefix() {
    for key in [
        "sk-proj-UJFtFHEEjGjqrLWyComteILi7yJup4rOtjxIrlZqBoud",
        "sk-ant-api03-AbCdEf0123456789-AbCdEf0123456789",
        "sk-sh-0123456789abcdefghjkmnpqrstvwxyz0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "AKIAENKRIJXBTJIXNKJH",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789",
        "glpat-AbCdEf12345678901234",
        "xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx",
        "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
        "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345",
        "npm_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "key-3ax6xnjp29jd6fds4gc373sgvjxteol0",
        "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ] {
        assert_all(
            Secret,
            &[(key, key), (&format!("ключ {key}, не делитесь"), key), (&format!("export K=\"{key}\""), key)],
        );
    }
}

#[test]
fn blocks_and_links() {
    let block =
        format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", "MIIEpAIBAAKCAQEA7x\n".repeat(4));
    assert_all(
        Secret,
        &[
            (&format!("вот:\n{block}\nспасибо"), &block),
            ("postgres://report:Zx9!kkLm2@db.alem.kz:5432/dwh", "postgres://report:Zx9!kkLm2@db.alem.kz:5432/dwh"),
            ("см. https://x.kz/f?id=1&access_token=a8Fk29dkP0s.", "https://x.kz/f?id=1&access_token=a8Fk29dkP0s"),
            ("https://user:pa55w0rd@host.kz/path", "https://user:pa55w0rd@host.kz/path"),
            ("Server=db;User Id=sa;Password=Tr0ub4dor;", "Tr0ub4dor"),
            ("Authorization: Bearer 9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015"),
            (
                "mongodb+srv://app:Qw3rty@cluster0.mongodb.net/test",
                "mongodb+srv://app:Qw3rty@cluster0.mongodb.net/test",
            ),
        ],
    );
}

#[test]
fn values_beside_a_word() {
    assert_all(
        Secret,
        &[
            ("пароль: Qwerty123!", "Qwerty123!"),
            ("пароль Qwerty123!", "Qwerty123!"),
            ("Пароль от почты — barsik2019, поменяйте", "barsik2019"),
            ("пароль от домашнего вай-фая: 87654321", "87654321"),
            ("мой пароль Almaty_2024 не подходит", "Almaty_2024"),
            ("Логин admin, пароль admin123.", "admin123"),
            ("құпиясөзім Astana2030", "Astana2030"),
            ("құпия сөз: Tulpan_77", "Tulpan_77"),
            ("qupıa sóz: Tulpan_77", "Tulpan_77"),
            ("The password is hunter2!", "hunter2!"),
            ("password: correcthorse", "correcthorse"),
            ("\"password\": \"S3cret!\"", "S3cret!"),
            ("DB_PASSWORD=xK9#mPq2", "xK9#mPq2"),
            ("pwd='Zaq12wsx'", "Zaq12wsx"),
            ("api_key=9aF3kd83jdL2", "9aF3kd83jdL2"),
            ("пин-код 4821", "4821"),
            ("PIN: 0417", "0417"),
            ("CVV 123", "123"),
            ("cvc2: 9 0 1", "9 0 1"),
            ("код подтверждения: 482913", "482913"),
            ("растау коды 4829", "4829"),
            ("код из смс 48-29-13", "48-29-13"),
            (
                "aws secret access key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            ),
            (
                "seed phrase: abandon ability able about above absent absorb abstract absurd abuse access accident",
                "abandon ability able about above absent absorb abstract absurd abuse access accident",
            ),
            ("| login | пароль |\n|---|---|\n| ivan | Kaisar6949* |", "Kaisar6949*"),
            ("id\temail\tpassword\n1\ta\ttULPAN@4563\n", "tULPAN@4563"),
        ],
    );
    assert_eq!(scan_at("/connection/password", "qwertyuiop").len(), 1);
    assert_eq!(scan_at("/connection/api_key", "a8Fk29dkP0s").len(), 1);
}

#[test]
fn talk_types_and_placeholders_are_none() {
    let texts = [
        "пароль не подходит",
        "забыл пароль, что делать",
        "смените пароль на новый",
        "Пароль: минимум восемь символов",
        "пароль должен содержать 8 символов и цифру",
        "пароль от Windows10 сбросить",
        "password: string",
        "password: ***",
        "password: str = Field(...)",
        "export PASSWORD=$PASSWORD",
        "password=<password>",
        "password = os.environ[\"DB_PASSWORD\"]",
        "password = get_password()",
        "self.password = new_password",
        "api_key = YOUR_API_KEY",
        "api_key=xxxxxxxxxxxx",
        "token: ${GITHUB_TOKEN}",
        "postgres://user:${DB_PASS}@db/x",
        "FATAL: password authentication failed for user \"report\"",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "550e8400-e29b-41d4-a716-446655440000",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "max_tokens: 4096, key: value",
        "idempotency key 550e8400-e29b-41d4-a716-446655440000",
        "ключ к успеху - 12 правил",
        "ключевая ставка 14,25 %",
        "токенов 128000 в контексте",
        "sk-learn-contrib-imbalanced-package",
        "asia",
        "hf_model_name_is_long_enough",
        "пин поставили на 2024 год",
        "OTP 2024 года",
        "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
        "https://host.kz/path?page=2&sort=asc",
        "http://localhost:8080/@user",
        "seed the database with the test data and run all of the checks again please now",
        "почтовый индекс и код города 7272",
        "пароль и логин пришлём отдельно",
        "құпиясөзді ұмытып қалдым",
        "Your password must be at least 12 characters",
    ];
    let wrong: Vec<_> =
        texts.iter().map(|text| (text, found_of(Secret, text))).filter(|(_, found)| !found.is_empty()).collect();
    assert_eq!(wrong, []);
}
