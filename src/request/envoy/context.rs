//! `envoy.service.auth.v3.AttributeContext`, borrowed from the bytes of its message.
//!
//! Fields that every decision needs are decoded here. Other messages stay encoded. A repeated field is merged as
//! protobuf requires: the last value counts, lists are appended, and the bytes of messages are joined.

use std::borrow::Cow;

use super::fields::{Field, Fields, Malformed};

/// A message that is still encoded.
pub(super) type Encoded<'a> = Option<Cow<'a, [u8]>>;

/// The context of a check.
#[derive(Debug, Default)]
#[allow(clippy::struct_field_names)] // they are Envoy's
pub(super) struct Context<'a> {
    pub(super) source: Encoded<'a>,
    pub(super) destination: Encoded<'a>,
    pub(super) request: Option<Request<'a>>,
    pub(super) context_extensions: Vec<(&'a str, &'a str)>,
    pub(super) metadata_context: Encoded<'a>,
    pub(super) tls_session: Encoded<'a>,
    pub(super) route_metadata_context: Encoded<'a>,
}

/// The request that the check is about.
#[derive(Debug, Default)]
pub(super) struct Request<'a> {
    pub(super) time: Encoded<'a>,
    pub(super) http: Option<Http<'a>>,
}

/// An HTTP request.
#[derive(Debug, Default)]
pub(super) struct Http<'a> {
    pub(super) id: &'a str,
    pub(super) method: &'a str,
    /// Without `encode_raw_headers`: repeated headers are joined by a comma.
    pub(super) headers: Vec<(&'a str, &'a str)>,
    pub(super) path: &'a str,
    pub(super) host: &'a str,
    pub(super) scheme: &'a str,
    pub(super) query: &'a str,
    pub(super) fragment: &'a str,
    pub(super) size: i64,
    pub(super) protocol: &'a str,
    pub(super) body: &'a str,
    pub(super) raw_body: &'a [u8],
    /// With `encode_raw_headers`: repeated headers stay separate.
    pub(super) header_map: Option<Vec<Header<'a>>>,
}

/// One raw header.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Header<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    pub(super) raw_value: &'a [u8],
}

impl<'a> Header<'a> {
    /// Its value, which is in one of two fields.
    pub(super) fn bytes(&self) -> &'a [u8] {
        match self.raw_value {
            [] => self.value.as_bytes(),
            raw => raw,
        }
    }
}

/// The usual number of headers, so that their lists need not grow.
const USUAL_HEADERS: usize = 24;

impl<'a> Context<'a> {
    /// The context of an encoded `CheckRequest`.
    pub(super) fn of(check: &'a [u8]) -> Result<Self, Malformed> {
        let mut context = Self::default();
        let mut fields = Fields::of(check);
        while let Some(field) = fields.next_field()? {
            if field.number == 1 {
                context.read(field.fields()?)?;
            }
        }
        Ok(context)
    }

    fn read(&mut self, mut fields: Fields<'a>) -> Result<(), Malformed> {
        while let Some(field) = fields.next_field()? {
            match field.number {
                1 => merge(&mut self.source, field)?,
                2 => merge(&mut self.destination, field)?,
                4 => self.request.get_or_insert_default().read(field.fields()?)?,
                10 => self.context_extensions.push(entry(field)?),
                11 => merge(&mut self.metadata_context, field)?,
                12 => merge(&mut self.tls_session, field)?,
                13 => merge(&mut self.route_metadata_context, field)?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'a> Request<'a> {
    fn read(&mut self, mut fields: Fields<'a>) -> Result<(), Malformed> {
        while let Some(field) = fields.next_field()? {
            match field.number {
                1 => merge(&mut self.time, field)?,
                2 => self.http.get_or_insert_default().read(field.fields()?)?,
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'a> Http<'a> {
    /// Replaces the client's path and query, everywhere they are in the context.
    pub(super) fn set_target(&mut self, target: &'a str) {
        let is_path = |name: &str| name.eq_ignore_ascii_case(":path");
        self.path = target;
        if !self.query.is_empty() {
            self.query = target.split_once('?').map_or("", |(_, query)| query);
        }
        for (name, value) in &mut self.headers {
            if is_path(name) {
                *value = target;
            }
        }
        for header in self.header_map.iter_mut().flatten() {
            if is_path(header.key) {
                if !header.value.is_empty() {
                    header.value = target;
                }
                if !header.raw_value.is_empty() {
                    header.raw_value = target.as_bytes();
                }
            }
        }
    }

    /// Takes a header out, named in lower case.
    pub(super) fn remove_header(&mut self, name: &str) {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        if let Some(all) = &mut self.header_map {
            all.retain(|header| !header.key.eq_ignore_ascii_case(name));
        }
    }

    /// The raw headers, if Envoy sent them. Then the other headers are ignored.
    pub(super) fn raw_headers(&self) -> Option<&[Header<'a>]> {
        self.header_map.as_deref().filter(|all| !all.is_empty())
    }

    fn read(&mut self, mut fields: Fields<'a>) -> Result<(), Malformed> {
        while let Some(field) = fields.next_field()? {
            match field.number {
                1 => self.id = field.text()?,
                2 => self.method = field.text()?,
                3 => {
                    if self.headers.capacity() == 0 {
                        self.headers.reserve(USUAL_HEADERS);
                    }
                    self.headers.push(entry(field)?);
                }
                4 => self.path = field.text()?,
                5 => self.host = field.text()?,
                6 => self.scheme = field.text()?,
                7 => self.query = field.text()?,
                8 => self.fragment = field.text()?,
                // Two's complement in 64 bits.
                9 => self.size = field.number()?.cast_signed(),
                10 => self.protocol = field.text()?,
                11 => self.body = field.text()?,
                12 => self.raw_body = field.bytes()?,
                13 => {
                    let headers = self
                        .header_map
                        .get_or_insert_with(|| Vec::with_capacity(USUAL_HEADERS));
                    read_header_map(field.fields()?, headers)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn read_header_map<'a>(
    mut map: Fields<'a>,
    headers: &mut Vec<Header<'a>>,
) -> Result<(), Malformed> {
    while let Some(field) = map.next_field()? {
        if field.number != 1 {
            continue;
        }
        let mut header = Header::default();
        let mut fields = field.fields()?;
        while let Some(field) = fields.next_field()? {
            match field.number {
                1 => header.key = field.text()?,
                2 => header.value = field.text()?,
                3 => header.raw_value = field.bytes()?,
                _ => {}
            }
        }
        headers.push(header);
    }
    Ok(())
}

fn merge<'a>(message: &mut Encoded<'a>, field: Field<'a>) -> Result<(), Malformed> {
    let bytes = field.bytes()?;
    match message {
        None => *message = Some(Cow::Borrowed(bytes)),
        Some(earlier) => earlier.to_mut().extend_from_slice(bytes),
    }
    Ok(())
}

/// An entry of a map of texts.
fn entry(field: Field<'_>) -> Result<(&str, &str), Malformed> {
    let (mut key, mut value) = ("", "");
    let mut entry = field.fields()?;
    while let Some(field) = entry.next_field()? {
        match field.number {
            1 => key = field.text()?,
            2 => value = field.text()?,
            _ => {}
        }
    }
    Ok((key, value))
}
