//! A schema that does whatever a test needs.
#![expect(
    clippy::unused_async,
    reason = "resolvers are async whether they wait or not"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::{
    Context, Enum, ErrorExtensions as _, InputObject, Object, Schema, SimpleObject, Subscription,
};
use clipsy_domain::user::Viewer;
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::watch;

use clipsy_http::Client;
use clipsy_service::accounts::right::Right;
use clipsy_service::accounts::session::SignedIn;

/// What resolvers share with the test.
#[derive(Debug)]
pub(super) struct Shared {
    /// What `ticks` tells.
    pub(super) ticks: watch::Sender<i32>,
    /// Items that `big` has made.
    pub(super) made: AtomicUsize,
    /// What `touch` has set.
    pub(super) touched: AtomicI32,
    /// Subscriptions to `ticks` that are open.
    pub(super) open: AtomicUsize,
}

pub(super) type Small = Schema<Query, Mutation, Subscriptions>;

pub(super) fn small() -> (Small, Arc<Shared>) {
    let shared = Arc::new(Shared {
        ticks: watch::Sender::new(0),
        made: AtomicUsize::new(0),
        touched: AtomicI32::new(0),
        open: AtomicUsize::new(0),
    });
    let schema = Schema::build(Query, Mutation, Subscriptions)
        .data(Arc::clone(&shared))
        .limit_complexity(1_000)
        .finish();
    (schema, shared)
}

fn shared<'a>(ctx: &Context<'a>) -> &'a Shared {
    ctx.data_unchecked::<Arc<Shared>>()
}

pub(super) struct Query;

#[Object]
impl Query {
    async fn hello(&self) -> &'static str {
        "world"
    }

    /// Who asks, as the context tells.
    async fn who(&self, ctx: &Context<'_>) -> String {
        let name = ctx
            .data_unchecked::<Option<SignedIn>>()
            .as_ref()
            .map_or("nobody", |signed_in| &signed_in.user.username);
        let viewer = ctx.data_unchecked::<Viewer>();
        assert_eq!(*viewer, ctx.data_unchecked::<Right>().viewer);
        let address = ctx.data_unchecked::<Client>().address;
        format!("{name} at {address}")
    }

    async fn fails(&self) -> async_graphql::Result<i32> {
        Err(async_graphql::Error::new("No.").extend_with(|_, e| e.set("code", "NOT_FOUND")))
    }

    async fn maybe(&self) -> async_graphql::Result<Option<i32>> {
        Err(async_graphql::Error::new("No code."))
    }

    async fn panics(&self) -> i32 {
        let zero = std::hint::black_box(0);
        assert_ne!(zero, 0, "a resolver panics");
        zero
    }

    async fn never(&self) -> i32 {
        std::future::pending().await
    }

    async fn node(&self) -> Node {
        Node { number: 1 }
    }

    async fn echo(&self, input: Input) -> i32 {
        input.depth()
    }

    async fn colour(&self, colour: Colour) -> Colour {
        colour
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum Colour {
    Red,
    Green,
}

#[derive(InputObject)]
pub(super) struct Input {
    inner: Option<Box<Input>>,
    list: Option<Vec<Vec<i32>>>,
}

impl Input {
    fn depth(&self) -> i32 {
        let lists = self.list.iter().flatten().map(Vec::len).sum::<usize>();
        1 + i32::try_from(lists).unwrap() + self.inner.as_ref().map_or(0, |inner| inner.depth())
    }
}

pub(super) struct Node {
    number: i32,
}

#[Object]
impl Node {
    async fn number(&self) -> i32 {
        self.number
    }

    async fn next(&self) -> Node {
        Node {
            number: self.number + 1,
        }
    }

    #[graphql(complexity = "usize::try_from(first).unwrap_or(0) * child_complexity")]
    async fn many(&self, first: i32) -> Vec<Node> {
        (0..first).map(|number| Node { number }).collect()
    }
}

pub(super) struct Mutation;

#[Object]
impl Mutation {
    async fn touch(&self, ctx: &Context<'_>, to: i32) -> i32 {
        shared(ctx).touched.store(to, Ordering::SeqCst);
        to
    }

    async fn tick(&self, ctx: &Context<'_>) -> bool {
        shared(ctx).ticks.send_modify(|tick| *tick += 1);
        true
    }
}

#[derive(Clone, SimpleObject)]
pub(super) struct Big {
    number: i32,
    filling: String,
}

pub(super) struct Subscriptions;

#[Subscription]
impl Subscriptions {
    /// Counts and ends.
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    /// The state first, then each change; changes in between are left out.
    async fn ticks(&self, ctx: &Context<'_>) -> impl Stream<Item = i32> {
        struct Open(Arc<Shared>);
        impl Drop for Open {
            fn drop(&mut self) {
                self.0.open.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let shared = Arc::clone(ctx.data_unchecked::<Arc<Shared>>());
        shared.open.fetch_add(1, Ordering::SeqCst);
        let mut ticks = shared.ticks.subscribe();
        ticks.mark_changed();
        let open = Open(shared);
        stream::unfold((ticks, open), |(mut ticks, open)| async move {
            ticks.changed().await.ok()?;
            let tick = *ticks.borrow_and_update();
            Some((tick, (ticks, open)))
        })
    }

    /// Large items as fast as they are taken, each with the number of the moment.
    async fn big(&self, ctx: &Context<'_>, to: i32) -> impl Stream<Item = Big> {
        let shared = Arc::clone(ctx.data_unchecked::<Arc<Shared>>());
        stream::unfold(0, move |number| {
            let shared = Arc::clone(&shared);
            async move {
                shared.made.fetch_add(1, Ordering::SeqCst);
                let item = Big {
                    number,
                    filling: "x".repeat(100_000),
                };
                (number < to).then_some((item, number + 1))
            }
        })
    }

    async fn refused(&self) -> async_graphql::Result<stream::Iter<std::ops::Range<i32>>> {
        Err(async_graphql::Error::new("Not yours.").extend_with(|_, e| e.set("code", "FORBIDDEN")))
    }

    /// One item is fine, the next is not, the third is.
    async fn stumbles(&self) -> impl Stream<Item = async_graphql::Result<i32>> {
        stream::iter([Ok(1), Err(async_graphql::Error::new("Oops.")), Ok(3)])
    }

    async fn panics(&self) -> impl Stream<Item = i32> {
        stream::iter([1, 2]).map_panic()
    }

    async fn silent(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }
}

trait MapPanic: Stream<Item = i32> + Sized {
    fn map_panic(self) -> impl Stream<Item = i32> {
        futures_util::StreamExt::map(self, |n| {
            assert!(n < 2, "a subscription panics");
            n
        })
    }
}

impl<S: Stream<Item = i32>> MapPanic for S {}

/// Longest wait for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
