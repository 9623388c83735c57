//! TLS on both sides: clients that come in, and servers and proxies on the way out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use shekara_gateway::config::parse;
use shekara_gateway::egress::install_tls;
use shekara_gateway::ingress::{Certificates, TlsListener};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::gateway::TestGateway;
use crate::upstream::{Reply, Upstream};

/// An authority of its own, and what it signs.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        install_tls();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Signs a certificate for this machine, into `name.pem` and `name.key`.
    fn sign(&self, name: &str) -> [PathBuf; 2] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        let paths = [self.path(&format!("{name}.pem")), self.path(&format!("{name}.key"))];
        std::fs::write(&paths[0], signed.pem()).unwrap();
        std::fs::write(&paths[1], key.serialize_pem()).unwrap();
        paths
    }

    fn client(&self, identity: Option<&[PathBuf; 2]>) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.issuer.pem().as_bytes()).unwrap();
        let builder = reqwest::Client::builder().tls_certs_only([root]).no_proxy();
        let Some(paths) = identity else { return builder.build().unwrap() };
        let pem = paths.iter().rev().map(|path| std::fs::read_to_string(path).unwrap()).collect::<String>();
        builder.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap()).build().unwrap()
    }
}

/// Serves `hello` behind TLS as `[server.tls]` says.
async fn serve(tls: &str) -> (String, Arc<Certificates>) {
    let config = parse(&format!("[local]\nenabled = false\n[server.tls]\n{tls}\n"), Path::new("x")).unwrap();
    let certificates = Arc::new(Certificates::read(config.tls.unwrap()).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/v1/models", listener.local_addr().unwrap().port());
    let listener = TlsListener::new(listener, Arc::clone(&certificates));
    let models = r#"{"object":"list","data":[]}"#;
    let answer = r#"{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"inside"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
    let json = [("content-type", "application/json")];
    let router = Router::new()
        .route("/v1/models", get(move || async move { (json, models) }))
        .route("/v1/chat/completions", axum::routing::post(move || async move { (json, answer) }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, certificates)
}

fn files([cert, key]: &[PathBuf; 2]) -> String {
    format!("cert = \"file:{}\"\nkey = \"file:{}\"\n", cert.display(), key.display())
}

#[tokio::test]
async fn clients_come_in_over_tls_and_changed_files_count_for_new_connections() {
    let (old, new) = (Authority::new(), Authority::new());
    let server = old.sign("server");
    let (url, certificates) = serve(&files(&server)).await;
    let kept = old.client(None);
    assert_eq!(kept.get(&url).send().await.unwrap().status(), 200);
    assert!(new.client(None).get(&url).send().await.is_err());
    for (from, to) in new.sign("server").iter().zip(&server) {
        std::fs::copy(from, to).unwrap();
    }
    certificates.refresh().unwrap();
    assert_eq!(new.client(None).get(&url).send().await.unwrap().status(), 200);
    // A connection that was there is not dropped; a fresh one of the old authority's is refused.
    assert_eq!(kept.get(&url).send().await.unwrap().status(), 200);
    assert!(old.client(None).get(&url).send().await.is_err());
    // Files that fit no longer together leave what was in force.
    std::fs::write(&server[1], "no key").unwrap();
    assert!(certificates.refresh().is_err());
    assert_eq!(new.client(None).get(&url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_client_without_a_certificate_of_ours_is_refused() {
    let (own, other) = (Authority::new(), Authority::new());
    let tls = format!("{}client_ca = \"file:{}\"", files(&own.sign("server")), own.path("ca.pem").display());
    let (url, _) = serve(&tls).await;
    assert!(own.client(None).get(&url).send().await.is_err());
    assert!(own.client(Some(&other.sign("client"))).get(&url).send().await.is_err());
    assert_eq!(own.client(Some(&own.sign("client"))).get(&url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_server_inside_is_reached_with_its_own_authority_and_a_client_certificate() {
    let own = Authority::new();
    let tls = format!("{}client_ca = \"file:{}\"", files(&own.sign("server")), own.path("ca.pem").display());
    let (url, _) = serve(&tls).await;
    let [cert, key] = own.sign("gateway");
    let base_url = url.trim_end_matches("/models");
    let provider = |rest: &str| {
        format!(
            "[local]\nenabled = false\n[[providers]]\nname = \"home\"\nkind = \"openai-compatible\"\nzone = \"local\"\n\
             base_url = \"{base_url}\"\n{rest}\n\
             [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"home\", model = \"m\" }}]\n"
        )
    };
    let ca = format!("ca = \"file:{}\"", own.path("ca.pem").display());
    let identity = format!("client_cert = \"file:{}\"\nclient_key = \"file:{}\"", cert.display(), key.display());
    let whole = TestGateway::start(&provider(&format!("{ca}\n{identity}"))).await;
    assert_eq!(whole.ask("chat", "hi").await.text(), "inside");
    for rest in [&ca, &identity] {
        let gateway = TestGateway::start(&provider(rest)).await;
        let answer = gateway.ask("chat", "hi").await;
        assert_eq!(answer.status, 502, "{rest}: {answer:?}");
    }
}

#[tokio::test]
async fn what_goes_out_goes_through_the_proxy_and_what_stays_does_not() {
    let (proxy, inside) = (Upstream::start(Reply::Text("proxied")).await, Upstream::start(Reply::Text("inside")).await);
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), "sesame").unwrap();
    let address = proxy.base_url.trim_start_matches("http://").trim_end_matches("/v1");
    let text = format!(
        "[local]\nenabled = false\n[network]\nproxy = \"http://me@{address}\"\nproxy_password = \"file:{}\"\n\
         no_proxy = [\"127.0.0.1\"]\n\
         [[providers]]\nname = \"cloud\"\nkind = \"openai-compatible\"\nbase_url = \"http://cloud.invalid/v1\"\n\
         [[providers]]\nname = \"near\"\nkind = \"openai-compatible\"\nbase_url = \"{base}\"\n\
         [[providers]]\nname = \"home\"\nkind = \"openai-compatible\"\nbase_url = \"{base}\"\nzone = \"local\"\n\
         [[routes]]\nmodel = \"out\"\ntargets = [{{ provider = \"cloud\", model = \"m\" }}]\n\
         [[routes]]\nmodel = \"near\"\ntargets = [{{ provider = \"near\", model = \"m\" }}]\n\
         [[routes]]\nmodel = \"in\"\ntargets = [{{ provider = \"home\", model = \"m\" }}]\n",
        password.path().display(),
        base = inside.base_url,
    );
    let gateway = TestGateway::start(&text).await;
    assert_eq!(gateway.ask("out", "hi").await.text(), "proxied");
    let seen = proxy.take_received().remove(0);
    assert!(seen.contains("http://cloud.invalid/v1/chat/completions"), "{seen}");
    // me:sesame
    assert!(seen.contains("Basic bWU6c2VzYW1l"), "{seen}");
    for model in ["near", "in"] {
        assert_eq!(gateway.ask(model, "hi").await.text(), "inside", "{model}");
    }
    assert!(proxy.received().is_empty());
    let set = text.replace("zone = \"local\"", &format!("zone = \"local\"\nproxy = \"http://{address}\""));
    assert_eq!(TestGateway::start(&set).await.ask("in", "hi").await.text(), "proxied");
}
