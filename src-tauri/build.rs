//! Declares every command, so that each needs its own permission in `capabilities/`.

include!("src/names.rs");

fn main() {
    println!("cargo:rerun-if-changed=src/names.rs");
    // The window is part of the program: its files must be there, and a change of them must be built in.
    println!("cargo:rerun-if-changed=../ui/dist/desk");
    let manifest = tauri_build::AppManifest::new().commands(NAMES);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    if let Err(error) = tauri_build::try_build(attributes) {
        eprintln!("failed to prepare the window: {error:#}. Build it first: npm run build -w @wardkey/desk (in ui/)");
        std::process::exit(1);
    }
}
