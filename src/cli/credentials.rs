//! Which of its sources a password comes from: `--password-file`, `POOLWATCH_PASSWORD`, the profile, or a prompt; never an argument.
//!
//! Nothing here prints, logs or keeps it: it goes from its source into [`Credentials`].

use crate::config::{Password, PasswordError};
use crate::xenapi::session::Credentials;
use secrecy::ExposeSecret;
use std::io::{self, IsTerminal};
use std::path::Path;

/// The variable that a password can be in.
pub const VARIABLE: &str = "POOLWATCH_PASSWORD";

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file or the command gave none.
    #[error(transparent)]
    Source(#[from] PasswordError),
    /// There is nowhere to get one from.
    #[error(
        "no password for {0}. Put it into {VARIABLE} or into a file for --password-file, or name a password_command in a profile; \
         on a terminal it is asked for"
    )]
    None(String),
    /// The prompt failed.
    #[error("cannot ask for the password of {whom}: {source}")]
    Prompt {
        /// Whose.
        whom: String,
        /// Why.
        source: io::Error,
    },
}

/// The credentials of `user` at the pool that the operator calls `pool`.
pub fn find(user: &str, pool: &str, file: Option<&Path>, profile: Option<&Password>) -> Result<Credentials, CredentialsError> {
    let given = file.map(|path| Password::File(path.to_owned()));
    let password = match (given, std::env::var(VARIABLE), profile) {
        (Some(file), _, _) => file.fetch()?,
        (None, Ok(password), _) => password.into(),
        (None, Err(_), Some(source)) => source.fetch()?,
        (None, Err(_), None) => return ask(user, &format!("{user}@{pool}")),
    };
    Ok(Credentials::new(user, password.expose_secret()))
}

fn ask(user: &str, whom: &str) -> Result<Credentials, CredentialsError> {
    if !io::stdin().is_terminal() {
        return Err(CredentialsError::None(whom.to_owned()));
    }
    let prompt = format!("Password of {whom}: ");
    let password =
        rpassword::prompt_password(prompt).map_err(|source| CredentialsError::Prompt { whom: whom.to_owned(), source })?;
    Ok(Credentials::new(user, password))
}
