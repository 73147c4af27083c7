import Testing

/// The real executable, over real sockets. One test after the other: several look at the memory and the speed of their
/// server, which must not be that of others.
@Suite("The executable", .serialized)
enum IntegrationTests {}
