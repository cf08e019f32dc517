//! The names of what a log line knows.

/// An item `%name`; HAProxy 8.2.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alias {
    /// `%B`: bytes sent to the client.
    BytesRead,
    /// `%CC`: the captured cookie of the request.
    RequestCookie,
    /// `%CS`: the captured cookie of the response.
    ResponseCookie,
    /// `%H`: the host's name.
    Hostname,
    /// `%HM`: the method.
    Method,
    /// `%HP`: the target without its query.
    UriPath,
    /// `%HPO`: the path.
    Path,
    /// `%HQ`: the query with its `?`.
    Query,
    /// `%HU`: the target.
    Uri,
    /// `%HV`: the version, `HTTP/1.1`.
    Version,
    /// `%ID`: the unique identifier.
    UniqueId,
    /// `%ST`: the status.
    Status,
    /// `%T`: date and time in GMT.
    GmtTime,
    /// `%Ta`: the request's whole time.
    TimeActive,
    /// `%Tc`: to connect.
    TimeConnect,
    /// `%Td`: for the data of the response.
    TimeData,
    /// `%Th`: of handshakes before the first request.
    TimeHandshake,
    /// `%Ti`: idle before the request.
    TimeIdle,
    /// `%Tl`: date and time here.
    LocalTime,
    /// `%Tq`: handshakes, idle and request.
    TimeQuery,
    /// `%TR`: for the request's head.
    TimeRequest,
    /// `%Tr`: for the response's head.
    TimeResponse,
    /// `%Ts`: seconds since 1970.
    Timestamp,
    /// `%Tt`: of the session.
    TimeTotal,
    /// `%Tu`: as the client sees it.
    TimeUser,
    /// `%Tw`: in queues.
    TimeWait,
    /// `%U`: bytes received from the client.
    BytesUploaded,
    /// `%ac`: connections of the process.
    ProcessConnections,
    /// `%b`: the backend.
    Backend,
    /// `%bc`: requests of the backend.
    BackendConnections,
    /// `%bi`: the source address towards the server.
    BackendSourceIp,
    /// `%bp`: its port.
    BackendSourcePort,
    /// `%bq`: place in the backend's queue.
    BackendQueue,
    /// `%ci`: the client's address.
    ClientIp,
    /// `%cp`: its port.
    ClientPort,
    /// `%f`: the frontend.
    Frontend,
    /// `%fc`: connections of the frontend.
    FrontendConnections,
    /// `%fi`: the address the client connected to.
    FrontendIp,
    /// `%fp`: its port.
    FrontendPort,
    /// `%ft`: the frontend, with `~` under TLS.
    FrontendTls,
    /// `%hr`: captured fields of the request, `{a|b}`.
    RequestCaptures,
    /// `%hrl`: the same, each on its own.
    RequestCapturesList,
    /// `%hs`: captured fields of the response.
    ResponseCaptures,
    /// `%hsl`: the same, each on its own.
    ResponseCapturesList,
    /// `%lc`: the number of lines of the frontend.
    LogCounter,
    /// `%ms`: milliseconds of the date.
    Milliseconds,
    /// `%o`: nothing; its flags hold for what follows.
    Flags,
    /// `%pid`: the process.
    Pid,
    /// `%r`: the request line.
    Request,
    /// `%rc`: retries.
    Retries,
    /// `%rt`: the number of the request.
    RequestCounter,
    /// `%s`: the server.
    Server,
    /// `%sc`: requests of the server.
    ServerConnections,
    /// `%si`: the server's address.
    ServerIp,
    /// `%sp`: its port.
    ServerPort,
    /// `%sq`: place in the server's queue.
    ServerQueue,
    /// `%sslc`: the cipher.
    SslCipher,
    /// `%sslv`: the TLS version.
    SslVersion,
    /// `%t`: when the connection was accepted, with milliseconds.
    AcceptTime,
    /// `%tr`: when the request began, with milliseconds.
    RequestTime,
    /// `%trg`: the same in GMT, `10/Oct/2000:13:55:36 +0000`.
    RequestTimeGmt,
    /// `%trl`: the same here.
    RequestTimeLocal,
    /// `%ts`: two characters of the termination state.
    TerminationState,
    /// `%tsc`: four, with those of cookies.
    TerminationStateCookie,
}

/// Every name, the longer of two that begin alike first.
pub(super) const NAMES: &[(&str, Alias)] = &[
    ("trg", Alias::RequestTimeGmt),
    ("trl", Alias::RequestTimeLocal),
    ("tsc", Alias::TerminationStateCookie),
    ("hrl", Alias::RequestCapturesList),
    ("hsl", Alias::ResponseCapturesList),
    ("pid", Alias::Pid),
    ("sslc", Alias::SslCipher),
    ("sslv", Alias::SslVersion),
    ("HPO", Alias::Path),
    ("CC", Alias::RequestCookie),
    ("CS", Alias::ResponseCookie),
    ("HM", Alias::Method),
    ("HP", Alias::UriPath),
    ("HQ", Alias::Query),
    ("HU", Alias::Uri),
    ("HV", Alias::Version),
    ("ID", Alias::UniqueId),
    ("ST", Alias::Status),
    ("TR", Alias::TimeRequest),
    ("Ta", Alias::TimeActive),
    ("Tc", Alias::TimeConnect),
    ("Td", Alias::TimeData),
    ("Th", Alias::TimeHandshake),
    ("Ti", Alias::TimeIdle),
    ("Tl", Alias::LocalTime),
    ("Tq", Alias::TimeQuery),
    ("Tr", Alias::TimeResponse),
    ("Ts", Alias::Timestamp),
    ("Tt", Alias::TimeTotal),
    ("Tu", Alias::TimeUser),
    ("Tw", Alias::TimeWait),
    ("ac", Alias::ProcessConnections),
    ("bc", Alias::BackendConnections),
    ("bi", Alias::BackendSourceIp),
    ("bp", Alias::BackendSourcePort),
    ("bq", Alias::BackendQueue),
    ("ci", Alias::ClientIp),
    ("cp", Alias::ClientPort),
    ("fc", Alias::FrontendConnections),
    ("fi", Alias::FrontendIp),
    ("fp", Alias::FrontendPort),
    ("ft", Alias::FrontendTls),
    ("hr", Alias::RequestCaptures),
    ("hs", Alias::ResponseCaptures),
    ("lc", Alias::LogCounter),
    ("ms", Alias::Milliseconds),
    ("rc", Alias::Retries),
    ("rt", Alias::RequestCounter),
    ("sc", Alias::ServerConnections),
    ("si", Alias::ServerIp),
    ("sp", Alias::ServerPort),
    ("sq", Alias::ServerQueue),
    ("tr", Alias::RequestTime),
    ("ts", Alias::TerminationState),
    ("B", Alias::BytesRead),
    ("H", Alias::Hostname),
    ("T", Alias::GmtTime),
    ("U", Alias::BytesUploaded),
    ("b", Alias::Backend),
    ("f", Alias::Frontend),
    ("o", Alias::Flags),
    ("r", Alias::Request),
    ("s", Alias::Server),
    ("t", Alias::AcceptTime),
];

impl Alias {
    /// What `name`, without its `%`, stands for.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, alias)| *alias)
    }

    /// Its name, without its `%`.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(_, alias)| *alias == self);
        found.map_or("", |(name, _)| name)
    }
}
