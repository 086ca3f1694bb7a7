//! What every [`super::MediaStore`] must do, as tests.
