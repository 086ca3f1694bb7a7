//! Compiles the shim against the header of the installed x264 and links x264 statically.
//!
//! Statically, because x264 hands out what its look-ahead found by writing it to a file whose name it
//! makes itself: within one object the linker can give it another `fopen` (`src/shim.c`).

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=src/shim.c");
    let x264 = pkg_config::Config::new()
        .atleast_version("0.164")
        .statik(true)
        .cargo_metadata(false)
        .probe("x264")
        .map_err(|error| format!("libx264-dev is needed: {error}"))?;
    cc::Build::new()
        .file("src/shim.c")
        .includes(&x264.include_paths)
        .warnings_into_errors(true)
        .extra_warnings(true)
        .flag("-std=gnu11")
        .compile("clipsy_x264_shim");
    let folder = pkg_config::get_variable("x264", "libdir")?;
    println!("cargo::rustc-link-search=native={folder}");
    println!("cargo::rustc-link-lib=static:-bundle=x264");
    for library in ["pthread", "m", "dl"] {
        println!("cargo::rustc-link-lib={library}");
    }
    for symbol in ["fopen64", "fopen", "rename", "stderr"] {
        println!("cargo::rustc-link-arg=-Wl,--wrap={symbol}");
    }
    Ok(())
}
