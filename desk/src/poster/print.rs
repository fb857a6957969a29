//! PDF and PNG of a poster.

use crate::error::DeskError;
use std::sync::Arc;
use svg2pdf::usvg::{self, fontdb};

fn failed(error: impl std::fmt::Display) -> DeskError {
    DeskError::PosterFailed {
        detail: error.to_string(),
    }
}

fn tree(svg: &str) -> Result<usvg::Tree, DeskError> {
    let mut fonts = fontdb::Database::new();
    fonts.load_system_fonts();
    let fallback = fonts
        .faces()
        .next()
        .and_then(|face| face.families.first().map(|family| family.0.clone()));
    let Some(fallback) = fallback else {
        return Err(DeskError::NoFonts);
    };
    let options = usvg::Options {
        fontdb: Arc::new(fonts),
        font_family: fallback,
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(svg, &options).map_err(failed)
}

/// A PDF of one A4 page.
///
/// # Errors
/// [`DeskError::NoFonts`], [`DeskError::PosterFailed`].
pub fn pdf(svg: &str) -> Result<Vec<u8>, DeskError> {
    // The tree is in CSS pixels (96 per inch), a PDF's unit is 1/72 inch: telling the converter 96 keeps the page A4.
    let page = svg2pdf::PageOptions { dpi: 96.0 };
    svg2pdf::to_pdf(&tree(svg)?, svg2pdf::ConversionOptions::default(), page).map_err(failed)
}

/// A PNG, 1240 pixels wide (A4 at 150 per inch).
///
/// # Errors
/// As [`pdf`].
pub fn png(svg: &str) -> Result<Vec<u8>, DeskError> {
    use resvg::tiny_skia::{Pixmap, Transform};
    let tree = tree(svg)?;
    let scale = 1240.0 / tree.size().width();
    let height = (tree.size().height() * scale).round();
    // A4 at 150 per inch is 1754 pixels high.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number of pixels"
    )]
    let mut picture = Pixmap::new(1240, height.clamp(1.0, 4000.0) as u32).ok_or_else(|| failed("no memory"))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    picture.encode_png().map_err(failed)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::super::{Sheet, link, svg};
    use super::*;
    use wardkey_client::Network;
    use wardkey_core::id::InstitutionId;
    use wardkey_core::key::SoftKey;
    use wardkey_core::typed::Domain;

    fn network() -> Network {
        let key = SoftKey::generate().unwrap().public();
        let domain = Domain {
            chain_id: 1337,
            contract: [0xab; 20],
            salt: [0; 32],
        };
        Network {
            name: "Trial".into(),
            domain,
            operator: key,
            gateway: key,
            head: None,
            heard: None,
        }
    }

    #[test]
    fn the_link_is_the_protocols() {
        let link = link(
            "http://127.0.0.1:8080",
            &network(),
            &InstitutionId([0x0c; 32]),
            "Klinik Süd & Söhne",
        );
        let expected = format!(
            "http://127.0.0.1:8080/#/scan?v=1&c=1337&k={}&i={}&n=Klinik%20S%C3%BCd%20%26%20S%C3%B6hne",
            "ab".repeat(20),
            "0c".repeat(32)
        );
        assert_eq!(link, expected);
    }

    #[test]
    fn a_page_of_a4_with_any_name() {
        for name in [
            "Harbour Hospital",
            "<script>\"&'",
            "",
            "Universitätsklinikum für Innere Medizin und Unfallchirurgie am Bodensee",
        ] {
            let svg = svg(&Sheet {
                name,
                link: &link("https://gateway.example.org", &network(), &InstitutionId([1; 32]), name),
                trial: true,
            })
            .unwrap();
            let pdf = pdf(&svg).unwrap();
            assert!(pdf.starts_with(b"%PDF-"));
            let text = String::from_utf8_lossy(&pdf);
            assert!(
                text.contains("[0 0 595.") || text.contains("/MediaBox [0 0 595"),
                "A4 in points"
            );
            assert!(png(&svg).unwrap().starts_with(b"\x89PNG"));
            assert!(!svg.contains("<script>"));
        }
    }
}
