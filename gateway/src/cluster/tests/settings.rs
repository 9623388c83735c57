//! Users, passwords, TLS, and what is shown of them.

use std::fs;
use std::net::TcpListener;

use super::*;

#[tokio::test]
async fn a_user_with_no_more_rights_than_it_needs_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let rights = "user shekara on >geheim ~{test}:limits:* -@all +evalsha +eval +ping +time +hmget +hget +hset +hdel \
                  +hexists +hgetall +del +set +pexpire +zadd +zrem +zrangebyscore\nuser default on >other ~* +@all\n";
    fs::write(folder.path().join("users"), rights).unwrap();
    let users = folder.path().join("users").display().to_string();
    let server = Server::with(folder, &["--aclfile", &users]).await;
    let mut setup = Setup::new(&server);
    let plain = server.url();
    setup.settings.url = format!("{plain}?user=shekara&pass=geheim");
    let gateway = setup.gateway("a").await;
    let (app, most) = (name("app"), limits("{\"tokens_per_day\":10,\"requests_per_minute\":9}"));
    let (mut reservation, _) = gateway.limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await.unwrap();
    reservation.settle(used(1, 1), now_ms()).await;
    assert_eq!(gateway.state(&key("app")).await.tokens_of_day.unwrap().used, 1);
    // With a wrong password Redis is away.
    setup.settings.url = format!("{plain}?user=shekara&pass=falsch");
    let ledger = Arc::clone(&setup.book) as Arc<dyn Ledger>;
    let limiter = SharedLimiter::start(&setup.settings, ledger, Box::new(|_| {})).unwrap();
    let refused = limiter.reserve(&claim(&app, &most, 1, 1), now_ms()).await.unwrap_err();
    assert_eq!(refused, NotReserved::Unavailable(Unavailable::Counts));
}

#[tokio::test]
async fn it_counts_over_tls_with_an_authority_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = format!(
        "--port 0 --tls-port {port} --bind 127.0.0.1 --tls-cert-file cert.pem --tls-key-file key.pem \
         --tls-ca-cert-file cert.pem --tls-auth-clients no --requirepass geheim"
    );
    let server = Server::with(folder, &options.split(' ').collect::<Vec<_>>()).await;
    let mut setup = Setup::new(&server);
    setup.settings.url = format!("rediss://:geheim@localhost:{port}");
    setup.settings.roots_pem = Some(fs::read(server.folder().join("cert.pem")).unwrap());
    let gateway = setup.gateway("a").await;
    let (app, none) = (name("app"), Arc::default());
    drop(gateway.limiter.reserve(&claim(&app, &none, 1, 1), now_ms()).await.unwrap());
    // Nobody else vouches for it.
    setup.settings.roots_pem = None;
    let ledger = Arc::clone(&setup.book) as Arc<dyn Ledger>;
    let limiter = SharedLimiter::start(&setup.settings, ledger, Box::new(|_| {})).unwrap();
    assert!(!limiter.connected(Duration::from_millis(700)).await);
}

#[tokio::test]
async fn settings_that_are_wrong_are_refused_and_secrets_shown_nowhere() {
    let settings = SharedSettings {
        url: "redis://user:geheim@localhost:1/0".into(),
        roots_pem: None,
        prefix: "shekara".into(),
        gateway: "a".into(),
        timeout: Duration::from_millis(100),
        lease: Duration::from_secs(30),
        when_away: WhenAway::Deny,
        offset: UtcOffset::UTC,
    };
    let start = |settings: &SharedSettings| SharedLimiter::start(settings, Arc::<Book>::default(), Box::new(|_| {}));
    let limiter = start(&settings).unwrap();
    assert!(!format!("{settings:?} {limiter:?}").contains("geheim"));
    for (wrong, error) in [
        (SharedSettings { url: "http://geheim".into(), ..settings.clone() }, BadSettings::Address),
        (SharedSettings { url: "geheim".into(), ..settings.clone() }, BadSettings::Address),
        (
            SharedSettings { url: "rediss://:geheim@localhost/#insecure".into(), ..settings.clone() },
            BadSettings::Insecure,
        ),
        (SharedSettings { roots_pem: Some(b"geheim".to_vec()), ..settings.clone() }, BadSettings::RootsWithoutTls),
        (SharedSettings { lease: Duration::from_millis(300), ..settings.clone() }, BadSettings::ShortLease),
    ] {
        let refused = start(&wrong).unwrap_err();
        assert!(refused == error && !refused.to_string().contains("geheim"), "{refused}");
    }
}
