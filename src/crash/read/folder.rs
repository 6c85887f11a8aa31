//! A folder on disk, walked through in the order of its names. Links are not followed, and nothing but plain files is opened.

use super::meter::Metered;
use super::walk::{Member, Walk};
use crate::crash::layout;
use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Folders within each other.
const DEPTH: usize = 40;

/// Reads everything below `folder`, which is called `label` (empty: the root of what is read). The error is about that folder itself;
/// what cannot be read below it is noted.
pub fn walk(walk: &mut Walk, folder: &Path, label: &str) -> io::Result<()> {
    below(walk, folder, label, 0)
}

fn below(walk: &mut Walk, folder: &Path, label: &str, depth: usize) -> io::Result<()> {
    let most = usize::try_from(walk.meter.limits().members).unwrap_or(usize::MAX);
    let mut names: Vec<_> = fs::read_dir(folder)?.take(most).filter_map(Result::ok).map(|entry| entry.file_name()).collect();
    names.sort_unstable();
    walk.gather.folder(label);
    for name in names {
        if !walk.meter.member() {
            return Ok(());
        }
        let path = folder.join(&name);
        let (tamed, _) = layout::tame(&name.to_string_lossy());
        let inside = if label.is_empty() { tamed } else { format!("{label}/{tamed}") };
        let Ok(about) = fs::symlink_metadata(&path) else { continue };
        let kind = about.file_type();
        if kind.is_symlink() {
            walk.odd.links += 1;
        } else if kind.is_dir() {
            let deep = depth + 1 >= DEPTH;
            let said = if deep {
                Err(io::Error::other("folders within folders without end"))
            } else {
                below(walk, &path, &inside, depth + 1)
            };
            if let Err(error) = said {
                walk.gather.note(format!("The folder {} was not read: {error}.", crate::text::clean(&inside, 200)));
            }
        } else if kind.is_file() {
            if let Err(error) = file(walk, &path, inside.clone(), about.mtime()) {
                walk.gather.note(format!("{} could not be opened: {error}.", crate::text::clean(&inside, 200)));
            }
        } else {
            walk.odd.devices += 1;
        }
    }
    Ok(())
}

fn file(walk: &mut Walk, path: &Path, inside: String, mtime: i64) -> io::Result<()> {
    // Whatever takes its place in this moment is neither followed nor waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file: File = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(());
    }
    let mut metered = Metered::outside(file, walk.meter.clone());
    walk.member(&mut metered, &Member { path: inside, mtime: Some(mtime), named: false }, 0);
    Ok(())
}
