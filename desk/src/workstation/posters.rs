//! The institution's poster.

use super::Workstation;
use crate::error::DeskError;
use crate::notice::Notice;
use crate::poster;
use crate::view::{Poster, PosterFiles};
use std::path::Path;

impl Workstation {
    /// The poster of this terminal's institution, with the registry's name.
    ///
    /// # Errors
    /// [`DeskError::NoInstitution`], or the gateway cannot be reached.
    pub async fn poster(&self) -> Result<Poster, Notice> {
        let (network, facts) = (self.network().await?, self.home().await?);
        let link = poster::link(&self.settings.gateway, &network, &facts.id, &facts.name);
        let svg = poster::svg(&poster::Sheet {
            name: &facts.name,
            link: &link,
            trial: self.settings.trust_test_root,
        })?;
        Ok(Poster { svg, link })
    }

    /// Saves it as PDF and PNG in the poster folder of the settings.
    ///
    /// # Errors
    /// As [`Workstation::poster`]; no fonts; the folder cannot be written.
    pub async fn save_poster(&self) -> Result<PosterFiles, Notice> {
        let poster = self.poster().await?;
        let name = self.state().home_name.clone();
        let folder = self.settings.poster_folder();
        Ok(self
            .blocking(move |_| save(&folder, &file_name(&name), &poster.svg))
            .await??)
    }
}

fn save(folder: &Path, name: &str, svg: &str) -> Result<PosterFiles, DeskError> {
    let failed = |e: std::io::Error| DeskError::FileFailed {
        detail: format!("{}: {e}", folder.display()),
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let write = |extension: &str, bytes: &[u8]| {
        let path = folder.join(format!("{name}.{extension}"));
        std::fs::write(&path, bytes).map_err(failed)?;
        Ok::<_, DeskError>(path.display().to_string())
    };
    Ok(PosterFiles {
        pdf: write("pdf", &poster::pdf(svg)?)?,
        png: write("png", &poster::png(svg)?)?,
    })
}

/// A file name without anything that a file system or a shell could misread.
fn file_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    let joined = plain
        .split('-')
        .filter(|p| !p.is_empty())
        .collect::<Vec<_>>()
        .join("-")
        .to_lowercase();
    format!("poster-{}", if joined.is_empty() { "institution" } else { &joined })
}

#[cfg(test)]
mod tests {
    #[test]
    fn file_names_are_plain() {
        assert_eq!(super::file_name("Harbour Hospital"), "poster-harbour-hospital");
        assert_eq!(super::file_name("../../etc/passwd\0"), "poster-etc-passwd");
        assert_eq!(super::file_name("  "), "poster-institution");
    }
}
