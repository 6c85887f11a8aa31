//! A folder in memory: what simulated hosts have.

use super::{Folder, FolderError, checked};
use std::collections::{BTreeMap, BTreeSet};

/// Files by their path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    files: BTreeMap<String, Vec<u8>>,
}

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more file.
    #[must_use]
    pub fn with(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.to_owned(), bytes.as_ref().to_vec());
        self
    }

    /// All files.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }
}

fn below(path: &str) -> String {
    format!("{path}/")
}

impl Folder for Memory {
    fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, FolderError> {
        match self.files.get(checked(path)?) {
            Some(bytes) if bytes.len() as u64 > limit => Err(FolderError::TooLarge { path: path.to_owned(), limit }),
            found => Ok(found.cloned()),
        }
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
        self.files.insert(checked(path)?.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), FolderError> {
        let above = below(checked(path)?);
        self.files.retain(|known, _| known != path && !known.starts_with(&above));
        Ok(())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, FolderError> {
        let above = below(checked(path)?);
        let names = self.files.keys().filter_map(|known| known.strip_prefix(&above)?.split('/').next().map(str::to_owned));
        Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
    }

    fn exists(&self, path: &str) -> bool {
        let above = below(path);
        self.files.keys().any(|known| known == path || known.starts_with(&above))
    }

    fn lock(&mut self) -> Result<(), FolderError> {
        // Whoever can change it has it alone already.
        Ok(())
    }
}
