//! The commands: what they refuse, what they say, and that a restored folder serves.

use crate::backup::{command, configure};
use crate::served::Served;
use crate::upstream::{Reply, Upstream};
use shekara_gateway::egress::install_tls;

async fn ask(url: &str, key: &str) -> u16 {
    let body = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
    let request = reqwest::Client::new().post(format!("{url}/v1/chat/completions")).bearer_auth(key).body(body);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_backup_of_a_running_gateway_serves_elsewhere() {
    install_tls();
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = configure(here.path(), &upstream.base_url, "");
    let early = command(here.path(), &["backup", "x.backup"]).await;
    assert!(early.code == Some(1) && early.stderr.contains("there is no database yet"), "{early:?}");
    let mut served = Served::start(&config);
    let url = served.next("Shekara listens on ");
    let key = served.next("Application key (shown once):");
    assert_eq!(ask(&url, &key).await, 200);
    std::fs::create_dir(here.path().join("backups")).unwrap();
    let made = command(here.path(), &["backup", "backups", "--with-secrets", "--json"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let file = made.json()["file"].as_str().unwrap().to_owned();
    assert!(file.starts_with("backups/shekara-2") && file.ends_with("Z.backup"), "{file}");
    let file = here.path().join(file).display().to_string();
    let told = command(here.path(), &["backup", "plain.backup"]).await;
    assert!(told.stdout.contains("Not in it, and needed") && told.stdout.contains("keys.secret"), "{told:?}");
    let told = command(here.path(), &["backup", "plain.backup", "--with-secrets"]).await;
    assert!(told.stdout.contains("It holds secrets") && told.stdout.contains("0600"), "{told:?}");

    let refused = command(here.path(), &["restore", &file, "--force"]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("a gateway uses the data folder"), "{refused:?}");
    let key_of_audit = command(here.path(), &["audit", "key"]).await.stdout;
    served.stop();
    let refused = command(here.path(), &["restore", &file]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("is not empty; --force"), "{refused:?}");

    let config = configure(there.path(), &upstream.base_url, "");
    let bytes = std::fs::read(&file).unwrap();
    let cut = there.path().join("cut.backup");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let refused = command(there.path(), &["restore", "cut.backup"]).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("nothing was changed: it was cut short"), "{refused:?}");
    assert!(!there.path().join("data").exists());
    let stranger = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
    let refused = command(there.path(), &["restore", &file, "--key", stranger]).await;
    assert!(refused.stderr.contains("not signed with a key that is trusted"), "{refused:?}");
    let restored = command(there.path(), &["restore", &file, "--key", key_of_audit.trim()]).await;
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert!(restored.stdout.contains("The audit verifies"), "{restored:?}");
    let verified = command(there.path(), &["audit", "verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let mut served = Served::start(&config);
    let url = served.next("Shekara listens on ");
    assert_eq!(ask(&url, &key).await, 200, "the key of before holds");
    served.stop();
    let verified = command(there.path(), &["audit", "verify", "--json"]).await;
    assert_eq!((verified.code, verified.json()["num_problems"].as_u64()), (Some(0), Some(0)), "{verified:?}");

    // Into a folder of its own, and over what is there.
    let into = there.path().join("copy").display().to_string();
    for arguments in [vec![], vec!["--force"]] {
        let restore = [&["restore", &file, "--into", &into, "--json"], arguments.as_slice()].concat();
        let restored = command(there.path(), &restore).await;
        assert_eq!(restored.code, Some(0), "{restored:?}");
        let json = restored.json();
        assert_eq!(json["secrets"][0]["state"], "restored", "{json}");
        assert!(arguments.is_empty() || !json["moved_aside"].as_array().unwrap().is_empty(), "{json}");
    }
}

#[tokio::test]
async fn a_half_restored_folder_does_not_serve() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), &upstream.base_url, "");
    let made = command(folder.path(), &["keys", "create", "--name", "one"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(command(folder.path(), &["backup", "x.backup"]).await.code, Some(0));
    std::fs::write(folder.path().join("data/restore.unfinished"), "").unwrap();
    for arguments in [vec!["serve"], vec!["keys", "list"], vec!["backup", "y.backup"]] {
        let refused = command(folder.path(), &arguments).await;
        assert!(refused.code == Some(1) && refused.stderr.contains("half restored"), "{refused:?}");
    }
    let restored = command(folder.path(), &["restore", "x.backup", "--force"]).await;
    assert_eq!(restored.code, Some(0), "{restored:?}");
    let listed = command(folder.path(), &["keys", "list", "--json"]).await;
    assert!(listed.code == Some(0) && listed.stdout.contains("\"one\""), "{listed:?}");
}
