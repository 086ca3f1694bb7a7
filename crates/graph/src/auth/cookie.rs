//! The refresh token as a cookie, for browsers that should not hold it in scripts.
//!
//! The cookie opens nothing by itself: it is only read when a session is refreshed or ended, and
//! only with a header that pages of other sites cannot send.

use axum::http::{HeaderMap, HeaderName};

use clipsy_http::{Address, header};

/// Name of the cookie.
const NAME: &str = "clipsy_refresh";
/// Requests that rely on the cookie carry this header, with any value.
pub(crate) const CSRF_HEADER: HeaderName = HeaderName::from_static("x-clipsy-csrf");

/// The refresh token in a request's cookie.
pub(crate) fn refresh_token(headers: &HeaderMap) -> Option<String> {
    header::cookie(headers, NAME).map(str::to_owned)
}

/// A `Set-Cookie` that keeps a token for `seconds`. What came over TLS goes over nothing else, and
/// only to where the server was called.
pub(crate) fn keep(token: &str, seconds: i64, address: &Address) -> String {
    let secure = if address.is_https() { "; Secure" } else { "" };
    let path = address.path("/graphql");
    format!("{NAME}={token}; HttpOnly; SameSite=Strict; Path={path}; Max-Age={seconds}{secure}")
}

/// A `Set-Cookie` that takes the token away.
pub(crate) fn forget(address: &Address) -> String {
    keep("", 0, address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::ConnectInfo;
    use axum::http::header::COOKIE;
    use std::net::SocketAddr;

    #[test]
    fn the_cookie_is_found_among_others() {
        let with = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(COOKIE, value.parse().unwrap());
            }
            refresh_token(&headers)
        };
        assert_eq!(
            with(&["a=b; clipsy_refresh=x.y.z; c=d"]),
            Some("x.y.z".into())
        );
        assert_eq!(with(&["a=b", "clipsy_refresh=t"]), Some("t".into()));
        assert_eq!(with(&["clipsy_refresh="]), None);
        assert_eq!(with(&["xclipsy_refresh=t"]), None);
        assert_eq!(with(&[]), None);
    }

    #[test]
    fn scripts_and_other_sites_do_not_get_it() {
        let address = |proto: &str| {
            let request = axum::http::Request::builder()
                .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))))
                .header("x-forwarded-proto", proto)
                .header("x-forwarded-prefix", "/clips");
            let (parts, ()) = request.body(()).unwrap().into_parts();
            Address::read(&parts, &["127.0.0.1".parse().unwrap()])
        };
        assert_eq!(
            keep("t", 60, &Address::default()),
            "clipsy_refresh=t; HttpOnly; SameSite=Strict; Path=/graphql; Max-Age=60"
        );
        assert_eq!(
            keep("t", 60, &address("https")),
            "clipsy_refresh=t; HttpOnly; SameSite=Strict; Path=/clips/graphql; Max-Age=60; Secure"
        );
        assert!(forget(&address("http")).ends_with("Path=/clips/graphql; Max-Age=0"));
    }
}
