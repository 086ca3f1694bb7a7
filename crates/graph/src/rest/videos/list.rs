//! `GET /api/videos/`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{OriginalUri, Query, State};
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use clipsy_domain::asset::{AssetState, Visibility};
use clipsy_domain::tags::tag_key;
use clipsy_domain::user::Viewer;
use clipsy_http::Address;
use clipsy_service::accounts::session::{SignedIn, viewer};
use clipsy_service::error::{Error, Result};
use clipsy_service::videos::find_video::with_details;
use clipsy_storage::{AssetFilter, AssetOrder, Window};
use serde::Serialize;
use utoipa::ToSchema;

use super::json::VideoItem;
use super::whole;
use crate::app::App;
use crate::rest::answer::Answer;
use crate::rest::openapi::{Detail, FieldMessages, TokenNotValid};

/// Default page size.
const PAGE_SIZE: i64 = 20;
/// Maximum page size.
const MAX_PAGE_SIZE: i64 = 100;
const JSON: &str = "application/json";

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page {
    /// Total number of videos.
    count: i64,
    /// URL of the next page.
    #[schema(required)]
    next: Option<String>,
    /// URL of the previous page.
    #[schema(required)]
    previous: Option<String>,
    /// Videos on this page.
    results: Vec<VideoItem>,
}

/// A list, as an array or paginated.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "describes the answer; its two forms are written one by one"
)]
pub(crate) enum VideoList {
    /// All videos, as in the original product.
    All(Vec<VideoItem>),
    /// A page, if `page` or `page_size` is given.
    Page(Page),
}

/// List the videos visible to the caller: public ones and their own; for admins, all.
#[utoipa::path(
    get, path = "/api/videos/", tag = "videos", security((), ("bearer" = [])),
    params(
        ("search" = Option<String>, Query, description = "Words or parts of words that must all occur in title, description or tags, ignoring case"),
        ("tag" = Option<String>, Query, description = "Only videos with this tag, ignoring case"),
        ("status" = Option<String>, Query, description = "`pending`, `processing`, `ready` or `failed`; several separated by commas"),
        ("visibility" = Option<String>, Query, description = "`public`, `unlisted` or `private`"),
        ("owner" = Option<String>, Query, description = "`me`, or the number of an account"),
        ("ordering" = Option<String>, Query, description = "`created_at`, `updated_at`, `title`, `views` or `duration`; `-` in front reverses it. Default: `-created_at`, in a search videos whose titles have the words first"),
        ("page" = Option<String>, Query, description = "Page number from 1, or `last`"),
        ("page_size" = Option<i64>, Query, description = "Page size, 1 to 100; default 20"),
    ),
    responses(
        (status = 200, description = "An array; with `page` or `page_size`, a page", body = VideoList),
        (status = 400, description = "Invalid parameter", body = FieldMessages),
        (status = 401, description = "Invalid token", body = TokenNotValid),
        (status = 404, description = "No such page", body = Detail),
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    signed_in: Option<SignedIn>,
    OriginalUri(uri): OriginalUri,
    address: Address,
    query: Result<Query<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
) -> Answer<Response> {
    let Query(query) = query.map_err(|e| Error::Parse(e.body_text()))?;
    let asked = Asked {
        viewer: viewer(signed_in.as_ref()),
        query,
        uri,
        address,
    };
    let filter = filter(asked.viewer, &|name| asked.get(name))?;
    let address = asked.address.clone();
    let body = if asked.viewer == Viewer::Anonymous {
        // The front page of a busy site: all who ask at the same time get the same bytes.
        let key = asked.key();
        let asked = Arc::new(asked);
        let (others, own, wanted) = (app.clone(), Arc::clone(&asked), filter.clone());
        let shared = async move { answer(&others, &own, wanted).await.ok() };
        match app.lists.get(key, shared).await.flatten() {
            Some(body) => body,
            // Everybody gets an error of their own.
            None => answer(&app, &asked, filter.clone()).await?,
        }
    } else {
        answer(&app, &asked, filter.clone()).await?
    };
    let body = match body {
        List::Text(text) => Body::from(text),
        List::Long => whole::long(app.clone(), app.db.look_up(filter).await?, address),
    };
    Ok(([(CONTENT_TYPE, JSON)], body).into_response())
}

/// The parameters of a request.
#[derive(Debug)]
struct Asked {
    viewer: Viewer,
    query: Vec<(String, String)>,
    uri: Uri,
    address: Address,
}

impl Asked {
    /// The last of repeated parameters counts, as in Django.
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All that the answer depends on, besides the viewer.
    fn key(&self) -> String {
        let base = self.address.url(self.uri.path());
        format!("{base} {}", self.uri.query().unwrap_or_default())
    }
}

/// A list as it is sent.
#[derive(Debug, Clone)]
pub(crate) enum List {
    /// As one text.
    Text(Bytes),
    /// All videos, too many for one body.
    Long,
}

async fn answer(app: &App, asked: &Asked, mut filter: AssetFilter) -> Result<List> {
    let get = |name: &str| asked.get(name);
    filter = app.db.look_up(filter).await?;
    if get("page").is_none() && get("page_size").is_none() {
        let whole = whole::short(app, &filter, &asked.address).await?;
        return Ok(whole.map_or(List::Long, List::Text));
    }
    let size = get("page_size")
        .and_then(|text| text.parse().ok())
        .filter(|size| *size > 0)
        .unwrap_or(PAGE_SIZE)
        .min(MAX_PAGE_SIZE);
    let total = app.db.count_assets(&filter).await?;
    let last = ((total + size - 1) / size).max(1);
    let page: i64 = match get("page") {
        None => 1,
        Some("last") => last,
        Some(text) => text
            .parse()
            .ok()
            .filter(|page| (1..=last).contains(page))
            .ok_or(Error::NoSuchPage)?,
    };
    let listed = if page == last && page > 1 {
        // From the end, where it is near.
        let window = Window {
            limit: total - (page - 1) * size,
            backward: true,
            ..Window::default()
        };
        app.db.assets_window(&filter, &window).await?.items
    } else {
        filter.limit = Some(size);
        filter.offset = (page - 1) * size;
        app.db.assets(&filter).await?
    };
    let videos = with_details(app, listed).await?;
    let of = |video| VideoItem::of(video, filter.viewer);
    let items = videos.into_iter().map(of);
    let address = |page| page_url(&asked.address, &asked.uri, &asked.query, page);
    json(&Page {
        count: total,
        next: (page < last).then(|| address(page + 1)),
        previous: (page > 1).then(|| address(page - 1)),
        results: items.map(|item| item.at(&asked.address)).collect(),
    })
    .map(List::Text)
}

fn json(value: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(Error::internal)
}

fn filter<'a>(viewer: Viewer, get: &impl Fn(&str) -> Option<&'a str>) -> Result<AssetFilter> {
    let mut assets = AssetFilter::new(viewer);
    if let Some(text) = get("search").map(str::trim).filter(|text| !text.is_empty()) {
        if text.contains('\0') {
            return Err(Error::field("search", "Null characters are not allowed."));
        }
        assets.search = Some(text.to_owned());
        assets.order = AssetOrder::Relevance;
    }
    if let Some(tag) = get("tag").filter(|tag| !tag.is_empty()) {
        // What is no tag is on nothing.
        assets.tag = Some(tag_key(tag).unwrap_or_default());
    }
    if let Some(names) = get("status").filter(|names| !names.is_empty()) {
        for name in names.split(',') {
            let known = assets.states.len();
            let same = |state: &AssetState| state.rest_status() == name;
            assets
                .states
                .extend(AssetState::ALL.into_iter().filter(same));
            if assets.states.len() == known {
                return Err(no_choice("status", name));
            }
        }
    }
    // An ordering that is not known is passed over, as Django REST framework does.
    if let Some(name) = get("ordering") {
        let bare = name.strip_prefix('-').unwrap_or(name);
        let order = match bare {
            "created_at" => Some(AssetOrder::Created),
            "updated_at" => Some(AssetOrder::Updated),
            "title" => Some(AssetOrder::Title),
            "views" => Some(AssetOrder::Views),
            "duration" => Some(AssetOrder::Duration),
            _ => None,
        };
        if let Some(order) = order {
            assets.order = order;
            assets.descending = bare.len() < name.len();
        }
    }
    assets.visibility = match get("visibility").filter(|name| !name.is_empty()) {
        Some(name) => {
            vec![Visibility::parse(name).ok_or_else(|| no_choice("visibility", name))?]
        }
        None => Vec::new(),
    };
    assets.owner = match get("owner").filter(|owner| !owner.is_empty()) {
        Some("me") => Some(viewer.user_id().ok_or(Error::NotSignedIn)?),
        Some(text) => Some(text.parse().map_err(|_| no_choice("owner", text))?),
        None => None,
    };
    Ok(assets)
}

fn no_choice(name: &str, value: &str) -> Error {
    let value: String = value.chars().take(100).collect();
    let message = format!("Select a valid choice. {value} is not one of the available choices.");
    Error::field(name, message)
}

/// URL of another page, absolute as in Django REST framework.
fn page_url(address: &Address, uri: &Uri, query: &[(String, String)], page: i64) -> String {
    let mut address = address.url(uri.path());
    let mut separator = '?';
    let mut push = |name: &str, value: &str| {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        address.push(separator);
        separator = '&';
        address.extend(utf8_percent_encode(name, PLAIN));
        address.push('=');
        address.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
    };
    // The first page has no number, as in Django REST framework.
    if page > 1 {
        push("page", &page.to_string());
    }
    for (name, value) in query.iter().filter(|(name, _)| name != "page") {
        push(name, value);
    }
    address
}

/// Names of parameters keep their underscores.
const PLAIN: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC.remove(b'_');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_the_other_parameters() {
        let uri: Uri = "/api/videos/?search=a+b&page=2&page_size=5"
            .parse()
            .unwrap();
        let request = axum::http::Request::get(uri.clone());
        let request = request.header("host", "videos.example.org:8000");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let address = Address::of(&parts);
        let query = [("search", "a b"), ("page", "2"), ("page_size", "5")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            page_url(&address, &uri, &query, 3),
            "http://videos.example.org:8000/api/videos/?page=3&search=a%20b&page_size=5"
        );
        assert_eq!(
            page_url(&address, &uri, &query, 1),
            "http://videos.example.org:8000/api/videos/?search=a%20b&page_size=5"
        );
    }
}
