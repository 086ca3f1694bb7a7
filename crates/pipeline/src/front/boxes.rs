//! The boxes of an MP4 or MOV file (ISO/IEC 14496-12, 4.2).

/// A box: its type and what is in it.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: [u8; 4],
    pub(super) body: Body,
}

/// What is in a box.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Data(Vec<u8>),
    Boxes(Vec<Node>),
}

/// Boxes that hold nothing but boxes.
const CONTAINERS: [&[u8; 4]; 7] = [
    b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex",
];

/// Boxes that lie within each other at most. Those that are read here are five deep.
const MOST_DEPTH: usize = 16;

/// The boxes in `bytes`; `None` if they do not fit.
pub(super) fn parse(bytes: &[u8]) -> Option<Vec<Node>> {
    parse_within(bytes, MOST_DEPTH)
}

fn parse_within(bytes: &[u8], depth: usize) -> Option<Vec<Node>> {
    let depth = depth.checked_sub(1)?;
    let mut nodes = Vec::new();
    let mut rest = bytes;
    // QuickTime may end a list of boxes with four zero bytes.
    while rest.len() >= 8 {
        let (kind, header, size) = head(rest)?;
        let size = usize::try_from(size).ok()?;
        let size = if size == 0 { rest.len() } else { size };
        let inner = rest.get(header..size)?;
        let body = match CONTAINERS
            .contains(&&kind)
            .then(|| parse_within(inner, depth))
            .flatten()
        {
            Some(boxes) => Body::Boxes(boxes),
            None => Body::Data(inner.to_vec()),
        };
        nodes.push(Node { kind, body });
        rest = &rest[size..];
    }
    Some(nodes)
}

/// Type, length of the header and length of the whole box that begins `bytes`; a length of 0
/// means up to the end.
pub(super) fn head(bytes: &[u8]) -> Option<([u8; 4], usize, u64)> {
    let size = u64::from(u32_at(bytes, 0)?);
    let kind: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
    let (header, size) = if size == 1 {
        (16, u64_at(bytes, 8)?)
    } else {
        (8, size)
    };
    (size == 0 || size >= header as u64).then_some((kind, header, size))
}

impl Node {
    pub(super) fn data(kind: [u8; 4], data: Vec<u8>) -> Self {
        Self {
            kind,
            body: Body::Data(data),
        }
    }

    /// Appends the box to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend([0; 4]);
        out.extend(self.kind);
        match &self.body {
            Body::Data(data) => out.extend(data),
            Body::Boxes(boxes) => {
                for inner in boxes {
                    inner.write(out);
                }
            }
        }
        let size = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
        out[start..start + 4].copy_from_slice(&size.to_be_bytes());
    }

    pub(super) fn boxes(&self) -> &[Node] {
        match &self.body {
            Body::Boxes(boxes) => boxes,
            Body::Data(_) => &[],
        }
    }

    pub(super) fn boxes_mut(&mut self) -> Option<&mut Vec<Node>> {
        match &mut self.body {
            Body::Boxes(boxes) => Some(boxes),
            Body::Data(_) => None,
        }
    }

    /// The first box at this path of types.
    pub(super) fn find(&self, path: &[&[u8; 4]]) -> Option<&Node> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        self.boxes()
            .iter()
            .find(|b| b.kind == **first)
            .and_then(|b| b.find(rest))
    }

    /// The same, to be changed.
    pub(super) fn find_mut(&mut self, path: &[&[u8; 4]]) -> Option<&mut Node> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        self.boxes_mut()?
            .iter_mut()
            .find(|b| b.kind == **first)
            .and_then(|b| b.find_mut(rest))
    }

    /// The content of the first box at this path, if it is no container.
    pub(super) fn content(&self, path: &[&[u8; 4]]) -> Option<&[u8]> {
        match &self.find(path)?.body {
            Body::Data(data) => Some(data),
            Body::Boxes(_) => None,
        }
    }

    /// Replaces the content of the box at this path.
    pub(super) fn replace(&mut self, path: &[&[u8; 4]], data: Vec<u8>) {
        if let Some(node) = self.find_mut(path) {
            node.body = Body::Data(data);
        }
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_written_as_they_were_read() {
        let mut bytes = b"\0\0\0\x18moov\0\0\0\x10trak\0\0\0\x08free".to_vec();
        bytes.extend(b"\0\0\0\x0cmdatdata");
        let nodes = parse(&bytes).unwrap();
        assert!(nodes[0].find(&[b"trak"]).is_some());
        let mut out = Vec::new();
        for node in &nodes {
            node.write(&mut out);
        }
        assert_eq!(out, bytes);
    }

    #[test]
    fn broken_sizes_are_refused() {
        for bytes in [
            b"\0\0\0\x04moov".as_slice(),
            b"\0\0\0\x20moov",
            b"\0\0\0\x01moov\0\0\0\0\0\0\0\x01",
        ] {
            assert!(parse(bytes).is_none());
        }
    }
}
