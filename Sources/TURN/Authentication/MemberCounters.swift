/// What a `MemberTable` has seen since the server started.
package struct MemberCounters: Equatable, Sendable {
    package var entered: UInt64 = 0
    package var left: UInt64 = 0
    package var revoked: UInt64 = 0
    /// Entries whose last credential had expired.
    package var forgotten: UInt64 = 0
    /// Entries that made room before that: their credentials went by expiry alone.
    package var evicted: UInt64 = 0
    /// Members who found no room: likewise.
    package var refusedEntries: UInt64 = 0
    /// Revocations that found no room: what they ended could begin anew until its name expired.
    package var refusedRevocations: UInt64 = 0

    package init() {}
}
