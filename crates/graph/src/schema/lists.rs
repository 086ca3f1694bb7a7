//! Lists that are read by the page.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use clipsy_domain::tags::tag_key;
use clipsy_domain::user::UserId;
use clipsy_service::error::Error;
use clipsy_service::videos::group::Users;
use clipsy_storage::{AssetFilter, AssetOrder, Cursor, Slice, Window};

use super::asked::{app, viewer};
use super::errors::{Fail, Result};
use super::ids;
use super::names::{OrderDirection, VideoOrderField, VideoState, Visibility};
use super::paging::{
    Page, PageInfo, read_user_cursor, read_video_cursor, user_cursor, video_cursor,
};
use super::scalars::{DateTime, int};
use super::user::User;
use super::video::Video;

/// Which videos to list: those that match all given conditions.
#[derive(Debug, Clone, Default, InputObject)]
pub(crate) struct VideoFilter {
    /// Words or parts of words that must all occur in title, description or tags, ignoring case. By
    /// default, matches in titles come first. At most some thousand videos are found.
    search: Option<String>,
    /// Only videos in one of these states.
    states: Option<Vec<VideoState>>,
    /// Only videos with one of these visibilities.
    visibility: Option<Vec<Visibility>>,
    /// Only videos of this account.
    owner: Option<ID>,
    /// True: only the viewer's own videos; requires signing in.
    #[graphql(default_with = "Some(false)")]
    mine: Option<bool>,
    /// Only videos of the account with this username, ignoring case.
    owner_name: Option<String>,
    /// Only videos with this tag, ignoring case.
    tag: Option<String>,
    /// True: only playable videos that are public or the viewer's own, also for admins.
    #[graphql(default_with = "Some(false)")]
    watchable: Option<bool>,
    /// Only videos of at least this duration, in seconds.
    min_seconds: Option<f64>,
    /// Only videos shorter than this, in seconds.
    max_seconds: Option<f64>,
    /// Only videos uploaded at this time or later.
    created_after: Option<DateTime>,
}

/// Sort order of a list of videos.
#[derive(Debug, Clone, Copy, InputObject)]
pub(crate) struct VideoOrder {
    /// Sort field.
    #[graphql(default_with = "VideoOrderField::CreatedAt")]
    field: VideoOrderField,
    /// Sort direction.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

impl Default for VideoOrder {
    fn default() -> Self {
        Self {
            field: VideoOrderField::CreatedAt,
            direction: OrderDirection::Desc,
        }
    }
}

/// A page of videos, see its [`Object`].
#[derive(Debug)]
pub(crate) struct VideoConnection {
    videos: Vec<Video>,
    filter: AssetFilter,
    edge: Edge,
}

/// What is beyond a page.
#[derive(Debug)]
struct Edge {
    window: Window,
    more: bool,
}

/// A page of a list of videos.
#[Object(serial)]
impl VideoConnection {
    /// The videos with their cursors.
    async fn edges(&self) -> Vec<VideoEdge> {
        let edge = |video: &Video| VideoEdge {
            cursor: self.cursor(video),
            node: video.clone(),
        };
        self.videos.iter().map(edge).collect()
    }

    /// The videos.
    async fn nodes(&self) -> &[Video] {
        &self.videos
    }

    /// Where the page lies in the list.
    async fn page_info(&self, ctx: &Context<'_>) -> Result<PageInfo> {
        let look = ctx.look_ahead();
        let beyond = async |window: Window| -> Result<bool> {
            let slice = app(ctx)?.db.assets_window(&self.filter, &window).await?;
            Ok(!slice.items.is_empty())
        };
        let (next, previous) = self.edge.beyond(self.filter.descending);
        let (first, last) = (self.videos.first(), self.videos.last());
        Ok(PageInfo {
            has_next_page: match next {
                Ok(known) => known,
                Err(window) if look.field("hasNextPage").exists() => beyond(window).await?,
                Err(_) => false,
            },
            has_previous_page: match previous {
                Ok(known) => known,
                Err(window) if look.field("hasPreviousPage").exists() => beyond(window).await?,
                Err(_) => false,
            },
            start_cursor: first.map(|video| self.cursor(video)),
            end_cursor: last.map(|video| self.cursor(video)),
        })
    }

    /// Total number of videos. Counted only if requested.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(int(app(ctx)?.db.count_assets(&self.filter).await?))
    }
}

impl VideoConnection {
    fn cursor(&self, video: &Video) -> String {
        let (order, descending) = (self.filter.order, self.filter.descending);
        video_cursor(order, descending, &self.filter.cursor(&video.asset))
    }
}

impl Edge {
    /// Whether there is more after and before the page: known, or to be found out with a window.
    fn beyond(&self, descending: bool) -> (Result<bool, Window>, Result<bool, Window>) {
        let (after, before) = (&self.window.after, &self.window.before);
        let look = |backward: bool, cursor: &Cursor| {
            let mut window = Window {
                limit: 1,
                backward,
                ..Window::default()
            };
            // The thing that the cursor came from belongs to the other side, too, if it is
            // still there.
            let mut cursor = cursor.clone();
            let step = if backward == descending { -1 } else { 1 };
            cursor.id = cursor.id.saturating_add(step);
            if backward {
                window.before = Some(cursor);
            } else {
                window.after = Some(cursor);
            }
            window
        };
        if self.window.backward {
            let next = before.as_ref().map_or(Ok(false), |c| Err(look(false, c)));
            (next, Ok(self.more))
        } else {
            let next = match before {
                Some(cursor) if !self.more => Err(look(false, cursor)),
                _ => Ok(self.more),
            };
            let previous = after.as_ref().map_or(Ok(false), |c| Err(look(true, c)));
            (next, previous)
        }
    }
}

/// A video and its position in a list.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct VideoEdge {
    /// Cursor in this list, for `after` and `before`.
    cursor: String,
    /// The video.
    node: Video,
}

/// The videos that are asked for, as far as the viewer may find them.
pub(crate) async fn videos_of(
    ctx: &Context<'_>,
    page: Page,
    filter: Option<VideoFilter>,
    order: Option<VideoOrder>,
    owner: Option<UserId>,
) -> Result<VideoConnection> {
    let mut assets = AssetFilter::new(viewer(ctx));
    let best_first = order.is_none();
    let order = order.unwrap_or_default();
    assets.order = order.field.into();
    assets.descending = order.direction == OrderDirection::Desc;
    assets.owner = owner;
    if let Some(filter) = filter {
        narrow(ctx, &mut assets, filter).await?;
    }
    if best_first && assets.search.is_some() {
        assets.order = AssetOrder::Relevance;
    }
    list(ctx, page, assets).await
}

/// A page of what the filter lets through.
pub(crate) async fn list(
    ctx: &Context<'_>,
    page: Page,
    filter: AssetFilter,
) -> Result<VideoConnection> {
    let filter = app(ctx)?.db.look_up(filter).await?;
    let (order, descending) = (filter.order, filter.descending);
    let window = page.window(|text| read_video_cursor(order, descending, text))?;
    let Slice { items, more } = app(ctx)?.db.assets_window(&filter, &window).await?;
    Ok(VideoConnection {
        videos: Video::all(items),
        filter,
        edge: Edge { window, more },
    })
}

async fn narrow(ctx: &Context<'_>, assets: &mut AssetFilter, filter: VideoFilter) -> Result<()> {
    let search = filter.search.map(|text| text.trim().to_owned());
    assets.search = search.filter(|text| !text.is_empty());
    if assets.search.as_ref().is_some_and(|s| s.contains('\0')) {
        return Err(Fail::input("search", "Null characters are not allowed."));
    }
    // A list with nothing in it lets nothing through, which is not worth asking for.
    let empty = |name: &str| Fail::input(name, "Name at least one, or leave it away.");
    if let Some(states) = filter.states {
        assets.states = states.into_iter().map(Into::into).collect();
        if assets.states.is_empty() {
            return Err(empty("states"));
        }
    }
    if let Some(visibility) = filter.visibility {
        assets.visibility = visibility.into_iter().map(Into::into).collect();
        if assets.visibility.is_empty() {
            return Err(empty("visibility"));
        }
    }
    let mut owners: Vec<UserId> = assets.owner.into_iter().collect();
    if let Some(owner) = filter.owner {
        let owner = ids::user(&owner);
        owners.push(owner.ok_or_else(|| Fail::input("owner", "This is no id of an account."))?);
    }
    if filter.mine == Some(true) {
        owners.push(assets.viewer.user_id().ok_or(Error::NotSignedIn)?);
    }
    if let Some(name) = filter.owner_name {
        if name.contains('\0') {
            return Err(Fail::input("ownerName", "Null characters are not allowed."));
        }
        // Nobody has number 0: of a name that there is not, nothing is listed.
        let found = app(ctx)?.db.user_by_name(&name).await?;
        owners.push(found.map_or(0, |(user, _)| user.id));
    }
    owners.dedup();
    // What is no tag is on nothing.
    assets.tag = filter.tag.map(|tag| tag_key(&tag).unwrap_or_default());
    assets.watchable = filter.watchable == Some(true);
    for (name, seconds) in [
        ("minSeconds", filter.min_seconds),
        ("maxSeconds", filter.max_seconds),
    ] {
        if seconds.is_some_and(|seconds| !seconds.is_finite()) {
            return Err(Fail::input(name, "This is no length."));
        }
    }
    assets.min_duration_s = filter.min_seconds;
    assets.max_duration_s = filter.max_seconds;
    assets.created_after = filter.created_after.map(|time| time.0);
    // Nobody is two people: number 0 is never given.
    assets.owner = if owners.len() > 1 {
        Some(0)
    } else {
        owners.pop()
    };
    Ok(())
}

/// A page of accounts, see its [`Object`].
#[derive(Debug)]
pub(crate) struct UserConnection {
    users: Vec<User>,
    search: Option<String>,
    edge: Edge,
}

/// A page of a list of accounts, sorted by name.
#[Object(serial)]
impl UserConnection {
    /// The accounts with their cursors.
    async fn edges(&self) -> Vec<UserEdge> {
        let edge = |user: &User| UserEdge {
            cursor: user_cursor(&Cursor::from(&*user.account)),
            node: user.clone(),
        };
        self.users.iter().map(edge).collect()
    }

    /// The accounts.
    async fn nodes(&self) -> &[User] {
        &self.users
    }

    /// Where the page lies in the list.
    async fn page_info(&self, ctx: &Context<'_>) -> Result<PageInfo> {
        let db = &app(ctx)?.db;
        let search = self.search.as_deref();
        let (next, previous) = self.edge.beyond(false);
        let cursor = |user: &User| user_cursor(&Cursor::from(&*user.account));
        let beyond = async |side: Result<bool, Window>| -> Result<bool> {
            match side {
                Ok(known) => Ok(known),
                Err(window) => Ok(!db.users_window(search, &window).await?.items.is_empty()),
            }
        };
        Ok(PageInfo {
            has_next_page: beyond(next).await?,
            has_previous_page: beyond(previous).await?,
            start_cursor: self.users.first().map(cursor),
            end_cursor: self.users.last().map(cursor),
        })
    }

    /// Total number of accounts. Counted only if requested.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let count = app(ctx)?.db.count_users(self.search.as_deref()).await?;
        Ok(int(count))
    }
}

/// An account and its position in a list.
#[derive(Debug, SimpleObject)]
#[graphql(serial)]
pub(crate) struct UserEdge {
    /// Cursor in this list, for `after` and `before`.
    cursor: String,
    /// The account.
    node: User,
}

/// A page of all accounts. The caller has checked that the viewer is an admin.
pub(crate) async fn users(
    ctx: &Context<'_>,
    page: Page,
    search: Option<String>,
) -> Result<UserConnection> {
    let search = search.map(|text| text.trim().to_owned());
    let search = search.filter(|text| !text.is_empty());
    if search.as_ref().is_some_and(|text| text.contains('\0')) {
        return Err(Fail::input("search", "Null characters are not allowed."));
    }
    let window = page.window(read_user_cursor)?;
    let db = &app(ctx)?.db;
    let Slice { items, more } = db.users_window(search.as_deref(), &window).await?;
    let group = Users::new(items.iter().map(|user| user.id).collect());
    let one = |user| User {
        account: std::sync::Arc::new(user),
        group: std::sync::Arc::clone(&group),
        proved: false,
    };
    Ok(UserConnection {
        users: items.into_iter().map(one).collect(),
        search,
        edge: Edge { window, more },
    })
}
