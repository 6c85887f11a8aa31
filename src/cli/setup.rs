//! What the commands that talk to a pool share: configuration, trusted certificates, and from a word on the command line to a
//! pool that can be followed.

use super::args::ConnectArgs;
use super::credentials;
use super::error::CliError;
use crate::config::{Config, Dirs, Flags, Profile};
use crate::feed::driver::FollowOptions;
use crate::feed::follow::options::Options;
use crate::xenapi::session::Credentials;
use crate::xenapi::target::Target;
use crate::xenapi::trust::{Fingerprint, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long one of several addresses of a profile gets to accept a connection before the next is tried.
const KNOCK: Duration = Duration::from_secs(2);

/// Configuration and trusted certificates.
pub struct Setup {
    /// The folders.
    pub dirs: Dirs,
    /// The configuration, with the flags over it.
    pub config: Config,
    /// The trusted certificates.
    pub store: Arc<Store>,
}

/// A pool that can be followed.
pub struct Entry {
    /// What the operator called it: an address, or a profile's name.
    pub called: String,
    /// What leads to the same pool again as the same user, as arguments of a command: what was typed.
    pub again: String,
    /// The profile's label.
    pub label: Option<String>,
    /// Where.
    pub target: Target,
    /// As whom.
    pub credentials: Credentials,
    /// How.
    pub options: FollowOptions,
    /// The profile it came from, if it came from one.
    pub profile: Option<Profile>,
}

impl Setup {
    /// Reads the configuration and the trusted certificates.
    pub fn load(flags: &Flags) -> Result<Self, CliError> {
        let dirs = Dirs::from_env()?;
        let config = Config::load(flags.config.as_deref(), &dirs)?.with(flags);
        let store = Arc::new(Store::open(&dirs.data)?);
        Ok(Self { dirs, config, store })
    }

    /// The pools that these words on the command line name, or the one that the configuration names. Asks for passwords where it must.
    pub async fn entries(&self, words: &[String], args: &ConnectArgs) -> Result<Vec<Entry>, CliError> {
        if words.is_empty() {
            return Ok(vec![self.one(None, args).await?]);
        }
        let mut entries = Vec::with_capacity(words.len());
        for word in words {
            entries.push(self.entry(word, args, words.len()).await?);
        }
        Ok(entries)
    }

    /// The one pool that a word on the command line names, or that the configuration names.
    pub async fn one(&self, word: Option<&str>, args: &ConnectArgs) -> Result<Entry, CliError> {
        let word = word.or(self.config.profile.as_deref()).ok_or(CliError::NoTarget)?;
        self.entry(word, args, 1).await
    }

    /// One of `of` pools.
    async fn entry(&self, word: &str, args: &ConnectArgs, of: usize) -> Result<Entry, CliError> {
        let profile = self.config.profiles.get(word);
        let insecure = args.insecure_http || profile.is_some_and(|p| p.insecure_http);
        let target = match profile {
            Some(profile) => answering(&profile.targets, insecure).await?,
            None => Target::parse(word, insecure)?,
        };
        let user = target.user.as_ref().or(args.user.as_ref()).or(profile.and_then(|p| p.user.as_ref()));
        let user = user.map_or("root", String::as_str);
        let mut options = FollowOptions::new(Arc::clone(&self.store));
        options.follow = self.intervals(of);
        options.client.allow_plain_http = insecure;
        options.client.timeout = self.config.poll.timeout;
        for text in args.accept_certificate.iter().chain(profile.and_then(|p| p.fingerprint.as_ref())) {
            let why = |why| CliError::Fingerprint { text: text.clone(), why };
            options.accept.push(text.parse::<Fingerprint>().map_err(why)?);
        }
        if let (true, Some(expected)) = (target.tls, options.accept.first()) {
            // What the operator says counts before anything is sent, also for a host that was never seen.
            self.store.pin(&target.to_string(), *expected, true)?;
        }
        let password = profile.and_then(|p| p.password.as_ref());
        let credentials = credentials::find(user, word, args.password_file.as_deref(), password)?;
        let called = profile.map_or_else(|| target.to_string(), |p| p.name.clone());
        let label = profile.and_then(|p| p.label.clone());
        let mut again = crate::text::clean(word, 200).into_owned();
        if let (Some(user), None) = (&args.user, &target.user) {
            again = format!("{again} --user {}", crate::text::clean(user, 100));
        }
        if args.insecure_http {
            again.push_str(" --insecure-http");
        }
        Ok(Entry { called, again, label, target, credentials, options, profile: profile.cloned() })
    }

    /// How often what is asked, by the configuration and the number of pools.
    pub fn intervals(&self, pools: usize) -> Options {
        let poll = self.config.poll;
        let options = Options {
            servertime_every: Some(poll.clock),
            rrd_every: Some(poll.metrics),
            report_every: Some(poll.probe),
            retry_most: poll.retry_max,
            ..Options::default()
        };
        options.one_of(pools)
    }
}

/// The first of these that accepts a connection; the first of all if none does, so that the error is about it.
async fn answering(targets: &[String], insecure: bool) -> Result<Target, CliError> {
    let targets = targets.iter().map(|text| Target::parse(text, insecure)).collect::<Result<Vec<_>, _>>()?;
    if targets.len() > 1 {
        for target in &targets {
            let knock = TcpStream::connect((target.host.as_str(), target.port));
            if matches!(tokio::time::timeout(KNOCK, knock).await, Ok(Ok(_))) {
                return Ok(target.clone());
            }
        }
    }
    targets.into_iter().next().ok_or_else(|| CliError::Pool("the profile names no target".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::feed::follow::options::CLOCK_MOST;
    use crate::pool::limits::FRESH;
    use std::path::Path;

    const PRINT: &str = "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08";

    fn setup(name: &str, config: &str) -> Setup {
        let home = std::env::temp_dir().join(format!("poolwatch-setup-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home).expect("a folder for the test");
        std::fs::write(home.join("password"), "secret\n").expect("written");
        let dirs = Dirs { home: home.clone(), config: home.clone(), data: home.clone(), state: home.clone() };
        let config =
            parse(Path::new(&home.join("poolwatch.toml")), config, &dirs).unwrap_or_else(|problems| panic!("{problems}"));
        let store = Arc::new(Store::open(&home).expect("none yet"));
        Setup { dirs, config, store }
    }

    fn args() -> ConnectArgs {
        ConnectArgs { user: None, password_file: None, accept_certificate: None, insecure_http: false }
    }

    #[tokio::test]
    async fn a_profile_has_effect_with_everything_in_it() {
        let profile = format!(
            "profile = \"lab\"\n[profiles.lab]\ntarget = \"http://192.0.2.1\"\nuser = \"op\"\npassword_file = \"password\"\n\
             insecure_http = true\nread_only = true\nlabel = \"Stockholm\"\n\
             [profiles.prod]\ntarget = \"192.0.2.2\"\npassword_file = \"password\"\nfingerprint = \"{PRINT}\"\n"
        );
        let setup = setup("profile", &profile);
        let lab = setup.one(None, &args()).await.expect("the profile that the configuration names");
        assert_eq!((lab.called.as_str(), lab.again.as_str(), lab.label.as_deref()), ("lab", "lab", Some("Stockholm")));
        assert!(lab.options.client.allow_plain_http && !lab.target.tls);
        assert_eq!(lab.credentials.user, "op");
        assert!(lab.profile.is_some_and(|profile| profile.read_only));
        assert_eq!(lab.options.accept, []);

        let prod = setup.one(Some("prod"), &args()).await.expect("a profile by name");
        let print: Fingerprint = PRINT.parse().expect("a fingerprint");
        assert_eq!(prod.options.accept, [print]);
        assert_eq!(setup.store.get("192.0.2.2:443"), Some(print), "known before the first connection");
        assert_eq!((prod.credentials.user.as_str(), prod.label), ("root", None));
    }

    #[tokio::test]
    async fn without_insecure_http_no_password_goes_out_in_the_clear() {
        let setup = setup("clear", "[profiles.lab]\ntarget = \"http://192.0.2.1\"\npassword_file = \"password\"\n");
        let error = setup.one(Some("lab"), &args()).await.map(|_| ()).expect_err("refused").to_string();
        assert!(error.contains("--insecure-http"), "{error}");
        let error = setup.one(None, &args()).await.map(|_| ()).expect_err("no profile is the usual one").to_string();
        assert!(error.contains("root@10.0.0.1"), "{error}");
    }

    #[test]
    fn intervals_are_the_configurations_and_many_pools_stretch_them() {
        let usual = setup("usual", "").intervals(1);
        let feeds = Options::default();
        assert_eq!(
            (usual.servertime_every, usual.rrd_every, usual.retry_most),
            (feeds.servertime_every, feeds.rrd_every, feeds.retry_most)
        );
        let own = setup("own", "[poll]\nclock = \"5s\"\nmetrics = \"1min\"\nretry_max = \"2min\"\n");
        let (one, many) = (own.intervals(1), own.intervals(16));
        let seconds = Duration::from_secs;
        assert_eq!((one.servertime_every, one.rrd_every, one.retry_most), (Some(seconds(5)), Some(seconds(60)), seconds(120)));
        assert_eq!((many.servertime_every, many.rrd_every), (Some(seconds(10)), Some(seconds(120))));
    }

    #[test]
    fn no_interval_that_can_be_set_blinds_the_detection_of_silence() {
        assert!(CLOCK_MOST + Options::default().host_deadline <= FRESH);
    }
}
