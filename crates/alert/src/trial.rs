//! Channels without anything running: tried, or told one alert.

use doorward_audit::system_time;

use crate::alert::{Alert, Told};
use crate::channel::{Channel, ChannelConfig};
use crate::deliver::Post;
use crate::error::{AlertError, Result};
use crate::kind::AlertKind;
use crate::status::Tried;

/// Most channels.
const CHANNELS_MAX: usize = 32;

/// The channels as they are set.
pub(crate) fn channels(configs: Vec<ChannelConfig>) -> Result<Vec<Channel>> {
    if configs.len() > CHANNELS_MAX {
        return Err(AlertError::Channel {
            channel: "all".to_owned(),
            why: format!("there may be {CHANNELS_MAX} of them"),
        });
    }
    configs.into_iter().map(Channel::new).collect()
}

fn posts(configs: Vec<ChannelConfig>) -> Result<Vec<Post>> {
    let channels = channels(configs)?;
    Ok(channels.into_iter().map(Post::new).collect())
}

/// Tries channels without anything running.
///
/// # Errors
/// When a setting does not fit, or there is no such channel.
pub(crate) async fn test_alone(
    configs: Vec<ChannelConfig>,
    named: Option<&str>,
) -> Result<Vec<Tried>> {
    let posts = posts(configs)?;
    try_out(posts.iter().collect(), named).await
}

/// Tells one alert without anything running.
///
/// # Errors
/// When a setting does not fit. That it did not arrive is in what is returned.
pub(crate) async fn tell_alone(configs: Vec<ChannelConfig>, told: &Told) -> Result<Vec<Tried>> {
    let posts = posts(configs)?;
    let mut all = Vec::new();
    for post in posts.iter().filter(|post| post.takes(told)) {
        all.push(post.try_once(told.clone()).await);
    }
    Ok(all)
}

/// Tries one of these, or all.
pub(crate) async fn try_out(posts: Vec<&Post>, named: Option<&str>) -> Result<Vec<Tried>> {
    if posts.is_empty() {
        return Err(AlertError::NoChannel);
    }
    let names: Vec<String> = posts
        .iter()
        .map(|post| post.channel().name.clone())
        .collect();
    if let Some(named) = named
        && !names.iter().any(|name| name == named)
    {
        return Err(AlertError::UnknownChannel {
            named: named.chars().filter(|c| !c.is_control()).take(64).collect(),
            there: names.join(", "),
        });
    }
    let mut all = Vec::new();
    for (post, name) in posts.into_iter().zip(&names) {
        if named.is_some_and(|named| named != name) {
            continue;
        }
        let alert = Alert::new(
            AlertKind::Test,
            "Doorward's alerts arrive here",
            system_time(),
        )
        .text("This is a test; nothing happened.")
        .fact("channel", name);
        all.push(post.try_once(Told::first(alert)).await);
    }
    Ok(all)
}
