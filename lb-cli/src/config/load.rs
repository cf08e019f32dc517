//! From paths to sources.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Config, Source, model, read};

/// Reads `paths`, with the process's environment.
pub(crate) fn load(paths: &[PathBuf]) -> Config {
    let (mut sources, mut unreadable) = (Vec::new(), Vec::new());
    let mut fail = |sources: &mut Vec<Source>, path: &Path, why: &io::Error| {
        unreadable.push((
            sources.len(),
            format!("cannot read `{}`: {why}", path.display()),
        ));
        sources.push(Source::new(path.display().to_string(), ""));
    };
    for path in paths {
        match files(path) {
            Ok(files) => {
                for file in files {
                    match fs::read_to_string(&file) {
                        Ok(text) => sources.push(Source::new(file.display().to_string(), text)),
                        Err(why) => fail(&mut sources, &file, &why),
                    }
                }
            }
            Err(why) => fail(&mut sources, path, &why),
        }
    }
    read::read(
        sources,
        &|name| std::env::var(name).ok(),
        &model::read_file,
        &unreadable,
    )
}

/// The file itself, or the `*.toml` of a directory in the order of their names.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        if file
            .extension()
            .is_some_and(|extension| extension == "toml")
            && file.is_file()
        {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "no *.toml in this directory",
        ));
    }
    Ok(files)
}
