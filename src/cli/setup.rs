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
    /// What the operator calls it.
    pub label: String,
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
        let label = profile.map_or_else(|| target.to_string(), |p| p.label.clone().unwrap_or_else(|| p.name.clone()));
        Ok(Entry { label, target, credentials, options, profile: profile.cloned() })
    }

    /// How often what is asked, by the configuration and the number of pools.
    fn intervals(&self, pools: usize) -> Options {
        let poll = self.config.poll;
        let options = Options {
            servertime_every: Some(poll.clock),
            rrd_every: Some(poll.metrics),
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
