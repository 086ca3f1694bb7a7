//! The bare list of everything, as the original product has it: however long it is, only a part of it
//! is in memory at a time.

use axum::body::Body;
use bytes::Bytes;
use clipsy_http::Address;
use clipsy_service::error::{Error, Result};
use clipsy_service::videos::find_video::with_details;
use clipsy_storage::{AssetFilter, Cursor, Slice, Window};
use futures_util::stream;

use super::json::VideoItem;
use crate::app::App;

/// Videos read per query.
const PART: i64 = 200;

/// The list as one body, if it is short.
pub(super) async fn short(
    app: &App,
    filter: &AssetFilter,
    address: &Address,
) -> Result<Option<Bytes>> {
    let part = part(app, filter, address, None).await?;
    Ok(part.after.is_none().then(|| {
        let mut text = vec![b'['];
        text.extend(part.text);
        text.push(b']');
        Bytes::from(text)
    }))
}

/// The list while it is read: each part when the peer has taken the one before. What is added
/// meanwhile is not in it if it stands before what was read; nothing is in it twice. An error cuts
/// the answer off, which clients notice by the missing end.
pub(super) fn long(app: App, filter: AssetFilter, address: Address) -> Body {
    let begin = (app, filter, address, State::Begin);
    let parts = stream::try_unfold(begin, async |(app, filter, address, state)| {
        let (begins, after) = match state {
            State::Begin => (true, None),
            State::After(cursor) => (false, Some(cursor)),
            State::End => return Ok(None),
        };
        let part = part(&app, &filter, &address, after).await?;
        let mut text = Vec::with_capacity(part.text.len() + 2);
        if begins {
            text.push(b'[');
        } else if !part.text.is_empty() {
            // What followed may have been deleted meanwhile.
            text.push(b',');
        }
        text.extend(part.text);
        let state = part.after.map_or(State::End, State::After);
        if matches!(state, State::End) {
            text.push(b']');
        }
        Ok::<_, Error>(Some((Bytes::from(text), (app, filter, address, state))))
    });
    Body::from_stream(parts)
}

/// How far a list has been sent.
enum State {
    Begin,
    After(Cursor),
    End,
}

/// Some videos of the list.
struct Part {
    /// With commas between them.
    text: Vec<u8>,
    /// Where the next part begins; `None` if this is the last.
    after: Option<Cursor>,
}

async fn part(
    app: &App,
    filter: &AssetFilter,
    address: &Address,
    after: Option<Cursor>,
) -> Result<Part> {
    let window = Window {
        after,
        limit: PART,
        ..Window::default()
    };
    let Slice { items, more } = app.db.assets_window(filter, &window).await?;
    let after = items.last().filter(|_| more);
    let after = after.map(|asset| filter.cursor(asset));
    let mut text = Vec::new();
    for video in with_details(app, items).await? {
        if !text.is_empty() {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, &VideoItem::of(video, filter.viewer).at(address))
            .map_err(Error::internal)?;
    }
    Ok(Part { text, after })
}
