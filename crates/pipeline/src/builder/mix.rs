//! Brings any number of channels to two.
//!
//! The weights are those of ITU-R BS.775-4, annex 4: front 1, centre and surrounds 1/√2, the
//! low-frequency channel left out. There is no attenuation for the case that the channels add up
//! to more than full scale; where they do, a limiter turns the sum down for as long as it lasts.

use std::collections::VecDeque;
use std::f32::consts::FRAC_1_SQRT_2;

use clipsy_domain::speaker::Speaker;

/// A left and a right sample.
pub(super) type Frame = [f32; 2];

/// Adds channels up to two.
pub(super) struct Mixer {
    /// The share of each channel in left and right.
    weights: Vec<Frame>,
    /// None where the sum cannot be more than full scale.
    limiter: Option<Limiter>,
}

impl Mixer {
    /// A mixer for channels that belong at `speakers`, with `rate` samples a second. None if they
    /// are left and right already.
    pub(super) fn new(speakers: &[Speaker], rate: u32) -> Option<Self> {
        let sides = |s: &[Speaker]| s.iter().map(|s| side(*s)).collect::<Vec<_>>();
        if sides(speakers) == [Side::Left, Side::Right] {
            return None;
        }
        Some(Self::weighing(weights(speakers), rate))
    }

    /// A mixer for channels of which nobody knows where they belong and that are too many for a
    /// usual layout: the first two are left and right, the others go to either side in turn.
    pub(super) fn guessing(channels: usize, rate: u32) -> Self {
        let weights = (0..channels).map(|channel| {
            let weight = if channel < 2 { 1.0 } else { FRAC_1_SQRT_2 };
            if channel % 2 == 0 {
                [weight, 0.0]
            } else {
                [0.0, weight]
            }
        });
        Self::weighing(weights.collect(), rate)
    }

    fn weighing(weights: Vec<Frame>, rate: u32) -> Self {
        let sum = |side: usize| weights.iter().map(|w| w[side]).sum::<f32>();
        let may_clip = sum(0).max(sum(1)) > 1.0;
        Self {
            weights,
            limiter: may_clip.then(|| Limiter::new(rate)),
        }
    }

    /// Adds up the channels of one frame.
    pub(super) fn mix(&self, channels: impl Iterator<Item = f32>) -> Frame {
        let mut sum = [0.0; 2];
        for (sample, weight) in channels.zip(&self.weights) {
            sum[0] += sample * weight[0];
            sum[1] += sample * weight[1];
        }
        sum
    }

    /// Takes `frames` that were mixed and leaves those that are ready in their place: the limiter
    /// has to look ahead and gives them out a little later.
    pub(super) fn limit(&mut self, frames: &mut Vec<Frame>) {
        if let Some(limiter) = &mut self.limiter {
            let ready = frames.drain(..).filter_map(|frame| limiter.push(frame));
            *frames = ready.collect();
        }
    }

    /// The frames that the limiter still holds.
    pub(super) fn drain(&mut self) -> Vec<Frame> {
        self.limiter
            .as_mut()
            .map(Limiter::drain)
            .unwrap_or_default()
    }
}

/// Share of each speaker in left and right.
fn weights(speakers: &[Speaker]) -> Vec<Frame> {
    // What is all there is keeps its level.
    let has_front = speakers
        .iter()
        .any(|s| matches!(s, Speaker::FrontLeft | Speaker::FrontRight));
    let weight = |speaker: &Speaker| match (side(*speaker), speaker) {
        (Side::None, _) => [0.0, 0.0],
        (Side::Middle, Speaker::FrontCenter) if !has_front => [1.0, 1.0],
        (Side::Middle, Speaker::FrontCenter) => [FRAC_1_SQRT_2; 2],
        // One speaker where others have two, so it is heard at the power of one surround.
        (Side::Middle, _) => [0.5; 2],
        (Side::Left, s) => [loudness(*s), 0.0],
        (Side::Right, s) => [0.0, loudness(*s)],
    };
    if speakers.len() == 1 {
        vec![[1.0; 2]]
    } else {
        speakers.iter().map(weight).collect()
    }
}

/// Weight of a speaker at a side: those between the front and the centre count as front, all
/// others as surround.
fn loudness(speaker: Speaker) -> f32 {
    match speaker {
        Speaker::FrontLeft
        | Speaker::FrontRight
        | Speaker::FrontLeftOfCenter
        | Speaker::FrontRightOfCenter => 1.0,
        _ => FRAC_1_SQRT_2,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Middle,
    None,
}

fn side(speaker: Speaker) -> Side {
    use Speaker as S;
    match speaker {
        S::FrontLeft
        | S::RearLeft
        | S::FrontLeftOfCenter
        | S::SideLeft
        | S::TopFrontLeft
        | S::TopRearLeft
        | S::TopSideLeft
        | S::BottomFrontLeft
        | S::WideLeft
        | S::SurroundLeft => Side::Left,
        S::FrontRight
        | S::RearRight
        | S::FrontRightOfCenter
        | S::SideRight
        | S::TopFrontRight
        | S::TopRearRight
        | S::TopSideRight
        | S::BottomFrontRight
        | S::WideRight
        | S::SurroundRight => Side::Right,
        S::FrontCenter
        | S::RearCenter
        | S::TopFrontCenter
        | S::TopCenter
        | S::TopRearCenter
        | S::BottomFrontCenter => Side::Middle,
        S::LowFrequency | S::LowFrequency2 => Side::None,
    }
}

/// How far the limiter looks ahead, in seconds: long enough for its gain to sink without being
/// heard as distortion.
const AHEAD_S: f32 = 0.005;
/// Time constant with which its gain comes back, in seconds.
const RELEASE_S: f32 = 0.1;

/// Turns down what would be beyond full scale, both channels alike so that nothing moves to a
/// side, and leaves everything else as it is, bit by bit.
struct Limiter {
    ahead: usize,
    release: f32,
    /// Frames that have not been given out.
    waiting: VecDeque<Frame>,
    /// Number and wanted gain of the frames in `waiting` that no later one undercuts.
    lowest: VecDeque<(u64, f32)>,
    taken: u64,
    /// The gain before smoothing.
    gain: f32,
    /// The last gains, and their sum: their mean sinks in a straight line to a peak. The sum is
    /// exact, since 53 bits hold a few hundred numbers of 24 bits near 1.
    recent: VecDeque<f32>,
    sum: f64,
}

impl Limiter {
    fn new(rate: u32) -> Self {
        let rate = rate as f32;
        let ahead = ((rate * AHEAD_S) as usize).max(1);
        Self {
            ahead,
            release: 1.0 - (-1.0 / (rate * RELEASE_S)).exp(),
            waiting: VecDeque::with_capacity(ahead + 1),
            lowest: VecDeque::new(),
            taken: 0,
            gain: 1.0,
            recent: std::iter::repeat_n(1.0, ahead).collect(),
            sum: ahead as f64,
        }
    }

    fn push(&mut self, frame: Frame) -> Option<Frame> {
        let peak = frame[0].abs().max(frame[1].abs());
        let wanted = if peak > 1.0 { 1.0 / peak } else { 1.0 };
        while self.lowest.back().is_some_and(|(_, gain)| *gain >= wanted) {
            self.lowest.pop_back();
        }
        self.lowest.push_back((self.taken, wanted));
        self.waiting.push_back(frame);
        self.taken += 1;
        (self.waiting.len() > self.ahead)
            .then(|| self.pop())
            .flatten()
    }

    fn drain(&mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.pop()).collect()
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.waiting.pop_front()?;
        let number = self.taken - 1 - self.waiting.len() as u64;
        let lowest = self.lowest.front().map_or(1.0, |(_, gain)| *gain);
        if self.lowest.front().is_some_and(|(at, _)| *at <= number) {
            self.lowest.pop_front();
        }
        let risen = self.gain + (1.0 - self.gain) * self.release;
        // The rest of the way, less than a hundredth of a decibel, would never end.
        self.gain = lowest.min(if risen > 0.999 { 1.0 } else { risen });
        if number == 0 {
            // Nothing was heard before, so the gain can begin where it has to be.
            self.recent.iter_mut().for_each(|gain| *gain = self.gain);
            self.sum = f64::from(self.gain) * self.ahead as f64;
        }
        self.recent.push_back(self.gain);
        self.sum += f64::from(self.gain);
        if let Some(oldest) = self.recent.pop_front() {
            self.sum -= f64::from(oldest);
        }
        let gain = (self.sum / self.ahead as f64) as f32;
        // Rounding may leave a little above full scale.
        let limited = frame.map(|sample| (sample * gain).clamp(-1.0, 1.0));
        Some(if gain < 1.0 { limited } else { frame })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sums bit by bit.
    fn bits(frame: Frame) -> [u32; 2] {
        frame.map(f32::to_bits)
    }

    fn mixed(speakers: &[Speaker], loud: Speaker) -> Frame {
        let mixer = Mixer::new(speakers, 48_000).unwrap();
        mixer.mix(speakers.iter().map(|s| if *s == loud { 1.0 } else { 0.0 }))
    }

    #[test]
    fn surround_is_mixed_by_bs_775() {
        let speakers = Speaker::usual(8).unwrap();
        for (loud, left, right) in [
            (Speaker::FrontLeft, 1.0, 0.0),
            (Speaker::FrontRight, 0.0, 1.0),
            (Speaker::FrontCenter, FRAC_1_SQRT_2, FRAC_1_SQRT_2),
            (Speaker::LowFrequency, 0.0, 0.0),
            (Speaker::RearLeft, FRAC_1_SQRT_2, 0.0),
            (Speaker::SideRight, 0.0, FRAC_1_SQRT_2),
        ] {
            assert_eq!(
                bits(mixed(&speakers, loud)),
                bits([left, right]),
                "{loud:?}"
            );
        }
        let rear = mixed(&Speaker::usual(7).unwrap(), Speaker::RearCenter);
        assert_eq!(bits(rear), bits([0.5, 0.5]));
    }

    #[test]
    fn one_channel_keeps_its_level_on_both_sides() {
        let with_bass = [Speaker::FrontCenter, Speaker::LowFrequency];
        for (speakers, loud) in [
            (&with_bass[..1], Speaker::FrontCenter),
            (&[Speaker::FrontLeft], Speaker::FrontLeft),
            (&with_bass, Speaker::FrontCenter),
        ] {
            assert_eq!(bits(mixed(speakers, loud)), bits([1.0, 1.0]));
        }
    }

    #[test]
    fn left_and_right_need_no_mixer() {
        assert!(Mixer::new(&Speaker::usual(2).unwrap(), 48_000).is_none());
        assert!(Mixer::new(&[Speaker::SideLeft, Speaker::SideRight], 48_000).is_none());
    }

    #[test]
    fn every_place_but_the_bass_is_heard() {
        for speaker in Speaker::ALL {
            let [left, right] = mixed(&Speaker::ALL, speaker);
            let is_bass = side(speaker) == Side::None;
            assert_eq!(left + right == 0.0, is_bass, "{speaker:?}");
        }
        let many = Mixer::guessing(11, 48_000);
        assert!(many.weights.iter().all(|w| w[0] + w[1] > 0.7));
    }

    fn tone(amplitude: f32, frames: usize) -> Vec<Frame> {
        let sample = |n: usize| amplitude * (n as f32 * 0.131).sin();
        (0..frames).map(|n| [sample(n), sample(n) * 0.5]).collect()
    }

    fn limited(input: &[Frame]) -> Vec<Frame> {
        let mut limiter = Limiter::new(48_000);
        let mut output: Vec<Frame> = input.iter().filter_map(|f| limiter.push(*f)).collect();
        assert_eq!(output.len(), input.len().saturating_sub(limiter.ahead));
        output.extend(limiter.drain());
        output
    }

    #[test]
    fn what_does_not_clip_is_not_touched() {
        let input = tone(1.0, 20_000);
        assert!(limited(&input) == input);
    }

    #[test]
    fn what_would_clip_is_turned_down_and_keeps_its_form() {
        let output = limited(&tone(1.6, 48_000));
        assert_eq!(output.len(), 48_000);
        assert!(output.iter().all(|f| f[0].abs() <= 1.0));
        let peak = output.iter().map(|f| f[0].abs()).fold(0.0, f32::max);
        assert!(peak > 0.99, "{peak}");
        // Both sides are turned down alike, and what is left is a tone, not a flat top: less than
        // a hundredth of the power is elsewhere.
        assert!(output.iter().all(|f| (f[0] * 0.5 - f[1]).abs() < 1e-6));
        let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
        for (n, frame) in output.iter().enumerate().skip(1000) {
            let (sample, angle) = (f64::from(frame[0]), n as f64 * f64::from(0.131_f32));
            re += sample * angle.cos();
            im += sample * angle.sin();
            power += sample * sample;
        }
        let share = 2.0 * (re * re + im * im) / (power * (output.len() - 1000) as f64);
        assert!(share > 0.999, "{share}");
    }

    #[test]
    fn it_is_itself_again_after_a_peak() {
        let mut input = tone(0.5, 96_000);
        input[10_000] = [3.0, 0.0];
        let output = limited(&input);
        assert!((output[10_000][0] - 1.0).abs() < 1e-6);
        assert!(output[..9000] == input[..9000]);
        assert!(output[80_000..] == input[80_000..]);
    }
}
