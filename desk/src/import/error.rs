//! Why a document is not imported.

use wardkey_core::fault::Coded;

/// What a file is instead of a readable FHIR R4 document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// No bytes, or only blanks.
    #[error("the file is empty")]
    Empty,
    /// Too many bytes.
    #[error("the file has {mib} MiB; at most 8 MiB can be imported")]
    TooLarge {
        /// Its size.
        mib: usize,
    },
    /// Too many resources.
    #[error("the document has {count} entries; at most 10000 can be imported")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// Neither UTF-8 nor another encoding that can be told.
    #[error("the file's text encoding cannot be told")]
    Encoding,
    /// XML instead of JSON.
    #[error("the file is XML, not JSON")]
    Xml,
    /// No JSON.
    #[error("the file is no JSON: line {line}, column {column}")]
    NotJson {
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// JSON, but no FHIR resource.
    #[error("the file is JSON, but no FHIR document")]
    NotFhir,
    /// Another resource than a Bundle.
    #[error("the file is a FHIR {kind}, not a Bundle")]
    NotABundle {
        /// What it is.
        kind: String,
    },
    /// A Bundle without resources.
    #[error("the Bundle holds no resources")]
    NoEntries,
    /// Another version of FHIR.
    #[error("the document is of FHIR {found}, not R4: {sign}")]
    Version {
        /// DSTU2, STU3, R5.
        found: &'static str,
        /// What shows it.
        sign: String,
    },
}

impl Coded for ImportError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "import-empty",
            Self::TooLarge { .. } => "import-too-large",
            Self::TooMany { .. } => "import-too-many",
            Self::Encoding => "import-encoding",
            Self::Xml => "import-xml",
            Self::NotJson { .. } => "import-not-json",
            Self::NotFhir => "import-not-fhir",
            Self::NotABundle { .. } => "import-not-a-bundle",
            Self::NoEntries => "import-no-entries",
            Self::Version { .. } => "import-fhir-version",
        }
    }
    fn action(&self) -> &'static str {
        match self {
            Self::Empty | Self::NoEntries => "Ask the source for the document again. Nothing was written.",
            Self::TooLarge { .. } | Self::TooMany { .. } => {
                "Ask the source for a summary instead of the whole record. Nothing was written."
            }
            Self::Encoding => "Ask the source for UTF-8. Nothing was written.",
            Self::Xml => "Ask the source for the JSON form of the document. Nothing was written.",
            Self::NotJson { .. } => "The file may be cut off; ask the source for it again. Nothing was written.",
            Self::NotFhir | Self::NotABundle { .. } => "Choose a patient summary (a FHIR Bundle). Nothing was written.",
            Self::Version { .. } => "Ask the source for FHIR R4 (4.0.1). Nothing was written.",
        }
    }
}
