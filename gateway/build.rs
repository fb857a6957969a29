//! Makes the folder of the phone page if it is missing, so that the gateway builds before the page does.
use std::{env, fs, path::PathBuf};

fn main() {
    let page = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../ui/dist/phone");
    if let Err(error) = fs::create_dir_all(&page) {
        println!("cargo:warning=the folder of the phone page cannot be made: {error}");
    }
    println!("cargo:rerun-if-changed=../ui/dist/phone");
}
