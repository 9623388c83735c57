//! The way out of the machine: proxy, certificates that are trusted, certificates that are shown.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::privacy::secret;
use super::provider::Surroundings;
use super::provider_file::ProviderFile;
use super::validate::{Invalid, Zone, inside_border, invalid};
use crate::secrets::SecretSource;

/// What a `proxy` of somebody's own says where it goes without `[network]`'s.
pub(super) const NO_PROXY: &str = "none";

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkFile {
    /// Addresses that lie inside the border, beside the loopback range.
    pub in_country: Vec<IpNet>,
    /// Of everything outside: `http://user@host:3128`, with the password beside it.
    pub proxy: Option<Spanned<String>>,
    /// `env:NAME` or `file:/path`.
    pub proxy_password: Option<Spanned<String>>,
    /// Hosts, domains and ranges that are reached without it.
    pub no_proxy: Vec<Spanned<String>>,
    /// Trusted beside the machine's own: `file:/path.pem`.
    pub ca: Option<Spanned<String>>,
}

/// How connections are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outward {
    pub proxy: Option<Proxy>,
    /// Files of certificates in PEM.
    pub ca: Vec<PathBuf>,
    pub identity: Option<Identity>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Without the user.
    pub url: String,
    pub user: Option<String>,
    pub password: Option<SecretSource>,
    pub except: Vec<String>,
}

/// Files in PEM that a client shows for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

pub(super) fn check_outward(network: &NetworkFile) -> Result<Outward, Invalid> {
    let mut except = Vec::with_capacity(network.no_proxy.len());
    for host in &network.no_proxy {
        if host.get_ref().is_empty()
            || host.get_ref().contains([',', ' ', '/']) && host.get_ref().parse::<IpNet>().is_err()
        {
            return Err(invalid(host, "no_proxy names hosts, domains like .example.kz, addresses and ranges"));
        }
        except.push(host.get_ref().clone());
    }
    let proxy = match &network.proxy {
        Some(proxy) => Some(check_proxy(proxy, network.proxy_password.as_ref(), except)?),
        None => None,
    };
    let ca = network.ca.as_ref().map(|ca| pem_file("ca", ca)).transpose()?;
    Ok(Outward { proxy, ca: ca.into_iter().collect(), identity: None })
}

/// `[network]`'s way with what a provider has for itself. Inside the border nobody gets `[network]`'s proxy.
pub(super) fn provider_outward(
    file: &ProviderFile,
    (zone, base_url): (Zone, &str),
    around: Surroundings<'_>,
) -> Result<Outward, Invalid> {
    let mut outward = around.outward.clone();
    let is_inside = zone != Zone::External;
    if is_inside {
        outward.proxy = None;
    }
    match &file.proxy {
        Some(proxy) if proxy.get_ref() == NO_PROXY => outward.proxy = None,
        Some(proxy) => {
            if is_inside {
                check_proxy_inside(proxy, base_url, around.in_country)?;
            }
            outward.proxy = Some(check_proxy(proxy, file.proxy_password.as_ref(), Vec::new())?);
        }
        None => {}
    }
    if let Some(ca) = &file.ca {
        outward.ca.push(pem_file("ca", ca)?);
    }
    outward.identity = match (&file.client_cert, &file.client_key) {
        (Some(certificate), Some(key)) => {
            Some(Identity { certificate: pem_file("client_cert", certificate)?, key: pem_file("client_key", key)? })
        }
        (Some(alone), None) | (None, Some(alone)) => {
            return Err(invalid(alone, "client_cert and client_key belong together"));
        }
        (None, None) => None,
    };
    Ok(outward)
}

/// The zone is that of the address that is connected to, which is the proxy's; and a name behind it would be resolved
/// there, where nobody looks.
fn check_proxy_inside(proxy: &Spanned<String>, base_url: &str, in_country: &[IpNet]) -> Result<(), Invalid> {
    let outside = |text: &str| match address_of(text) {
        Some(Stands::At(address)) => !inside_border(address, in_country),
        Some(Stands::Named) => false,
        None => true,
    };
    if outside(proxy.get_ref()) {
        let message = "the provider is inside the border, but its proxy lies in no [network] in_country range";
        return Err(invalid(proxy, message));
    }
    if !matches!(address_of(base_url), Some(Stands::At(_))) {
        let message = "behind a proxy the base_url of a provider inside the border must be an address: the proxy would \
                       resolve a name, and nobody could see where it leads";
        return Err(invalid(proxy, message));
    }
    Ok(())
}

/// Where a URL leads.
pub(super) enum Stands {
    At(IpAddr),
    /// Only a connection shows where.
    Named,
}

impl Stands {
    pub(super) fn is_inside(&self, in_country: &[IpNet]) -> bool {
        matches!(self, Self::At(address) if inside_border(*address, in_country))
    }
}

pub(super) fn address_of(url: &str) -> Option<Stands> {
    match url::Url::parse(url).ok()?.host()? {
        url::Host::Ipv4(address) => Some(Stands::At(IpAddr::V4(address))),
        url::Host::Ipv6(address) => Some(Stands::At(IpAddr::V6(address))),
        url::Host::Domain(_) => Some(Stands::Named),
    }
}

pub(super) fn check_proxy(
    text: &Spanned<String>,
    password: Option<&Spanned<String>>,
    except: Vec<String>,
) -> Result<Proxy, Invalid> {
    let wrong = || invalid(text, "proxy is like http://user@host:3128, with its password in proxy_password");
    let mut url = url::Url::parse(text.get_ref()).map_err(|_| wrong())?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() || url.password().is_some() || !is_bare {
        return Err(wrong());
    }
    let user = (!url.username().is_empty()).then(|| url.username().to_owned());
    let password =
        password.map(|source| secret("proxy_password", source).map(|parsed| (source, parsed))).transpose()?;
    if let (None, Some((at, _))) = (&user, &password) {
        return Err(invalid(at, "proxy_password needs a user in proxy"));
    }
    url.set_username("").map_err(|()| wrong())?;
    Ok(Proxy { url: url.to_string(), user, password: password.map(|(_, parsed)| parsed), except })
}

/// A certificate is no secret, but stands in a file like one.
pub(super) fn pem_file(name: &str, text: &Spanned<String>) -> Result<PathBuf, Invalid> {
    match text.get_ref().strip_prefix("file:") {
        Some(path) if !path.is_empty() => Ok(PathBuf::from(path)),
        _ => Err(invalid(text, format!("{name} is like file:/path.pem"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, parse};

    fn parsed(network: &str, provider: &str) -> Result<Config, String> {
        let text = format!(
            "[local]\nenabled = false\n[network]\nin_country = [\"10.0.0.0/8\"]\n{network}\n\
             [[providers]]\nname = \"p\"\nkind = \"openai-compatible\"\n{provider}\n"
        );
        parse(&text, "x".as_ref()).map_err(|error| error.to_string())
    }

    const INSIDE: &str = "zone = \"in-country\"\nbase_url = \"http://10.0.0.5/v1\"";

    #[test]
    fn inside_the_border_nobody_gets_the_proxy_of_all() {
        let network = "proxy = \"http://me@gate.kz:3128\"\nproxy_password = \"env:P\"\nca = \"file:/root.pem\"";
        let outside = parsed(network, "base_url = \"http://x.kz\"").unwrap().providers.remove(0).outward;
        let proxy = outside.proxy.unwrap();
        assert_eq!((proxy.url.as_str(), proxy.user.as_deref()), ("http://gate.kz:3128/", Some("me")));
        let own = parsed(network, &format!("{INSIDE}\nca = \"file:/own.pem\"")).unwrap().providers.remove(0).outward;
        assert_eq!((own.proxy, own.ca.len()), (None, 2));
        let none = parsed(network, "base_url = \"http://x.kz\"\nproxy = \"none\"").unwrap().providers.remove(0).outward;
        assert_eq!(none.proxy, None);
        let set = parsed("", &format!("{INSIDE}\nproxy = \"http://10.1.1.1:3128\"")).unwrap();
        assert_eq!(set.providers[0].outward.proxy.as_ref().unwrap().url, "http://10.1.1.1:3128/");
    }

    #[test]
    fn a_proxy_outside_or_a_name_behind_one_is_refused() {
        let named = "zone = \"in-country\"\nbase_url = \"http://vllm.kz/v1\"";
        for (network, provider, line, word) in [
            ("", format!("{INSIDE}\nproxy = \"http://8.8.8.8:3128\""), 11, "its proxy lies in no"),
            ("", format!("{named}\nproxy = \"http://10.1.1.1:3128\""), 11, "must be an address"),
            ("", format!("{INSIDE}\nclient_cert = \"file:/c.pem\""), 11, "belong together"),
            ("", format!("{INSIDE}\nca = \"/c.pem\""), 11, "file:/path.pem"),
            ("proxy = \"http://me:secret@gate.kz:1\"", INSIDE.to_owned(), 5, "proxy_password"),
            ("proxy = \"socks5://gate.kz:1\"", INSIDE.to_owned(), 5, "proxy is like"),
            ("proxy = \"http://gate.kz:1\"\nproxy_password = \"env:P\"", INSIDE.to_owned(), 6, "needs a user"),
            ("no_proxy = [\"a, b\"]", INSIDE.to_owned(), 5, "no_proxy names"),
        ] {
            let error = parsed(network, &provider).unwrap_err();
            assert!(error.starts_with(&format!("x:{line}: ")) && error.contains(word), "{provider}: {error}");
            assert!(!error.contains("secret@"), "{error}");
        }
    }
}
