import Containers
package import NetworkPrimitives

/// Rooms and who is in them, as a value that is driven from outside: no wire format, no socket, no session, no clock.
///
/// A driver joins its endpoints and acts by the seats that it gets. Who acts is answered at once; what others have to
/// hear, and what became of seats, are outputs:
///
/// > After every input, take `nextOutput()` until it is nil, and do each before the next; then give the next input.
///
/// Outputs name endpoints and carry values, so a directory that spreads rooms over several nodes can stand between this
/// machine and its drivers. Messages of one sender keep their order, because each input appends its outputs to one
/// queue. All lists are in the order of joining.
package struct RoomServer: ~Copyable {
    private(set) var limits: SignalingLimits
    var rooms: Slab<Room>
    var roomByName: FlatMap<RoomName, SlabHandle>
    var members: Slab<Member>
    var memberByID: FlatMap<ParticipantID, SlabHandle>
    /// When rooms without members are freed, by the index of the room.
    var emptyRooms: TimerWheel
    var identifiers: IdentifierSource
    var outputs = RoomOutputQueue()
    /// Bans that had to make room for newer ones.
    package internal(set) var evictedBans: UInt64 = 0

    /// Rooms with limits. Participants' ids are drawn from `identifiers`.
    package init(limits: SignalingLimits, identifiers: IdentifierSource) {
        var identifiers = identifiers
        self.limits = limits
        let roomsMax = Self.tableLimit(limits.roomsMax)
        let membersMax = Self.tableLimit(limits.sessionsMax.multipliedReportingOverflow(by: limits.roomsPerSessionMax))
        rooms = Slab(limit: roomsMax)
        roomByName = FlatMap(seed: identifiers.next().high, limit: roomsMax)
        members = Slab(limit: membersMax)
        memberByID = FlatMap(seed: identifiers.next().high, limit: membersMax)
        emptyRooms = TimerWheel(start: .zero)
        self.identifiers = identifiers
    }

    /// Goes by other limits from now on; the sizes of tables stay. Rooms that are open keep their capacity.
    package mutating func adopt(_ new: SignalingLimits) {
        precondition(new.roomsMax == limits.roomsMax, "tables are made once")
        limits = new
    }

    private static func tableLimit(_ wanted: Int) -> Int { min(max(0, wanted), 1 << 29) }

    private static func tableLimit(_ wanted: (partialValue: Int, overflow: Bool)) -> Int {
        tableLimit(wanted.overflow ? .max : wanted.partialValue)
    }

    // MARK: - Outputs and time

    package mutating func nextOutput() -> RoomOutput? { outputs.next() }

    /// When `handleDeadline` wants to be called, at the latest.
    package var nextDeadline: Instant? { emptyRooms.nextDeadline }

    /// Frees the rooms that have been empty for long enough: at most a few hundred a call.
    package mutating func handleDeadline(at now: Instant) {
        for _ in 0..<256 {
            guard let index = emptyRooms.popExpired(at: now) else { return }
            guard let handle = rooms.handle(at: index), rooms[handle].memberCount == 0 else { continue }
            free(handle)
        }
    }

    // MARK: - Queries

    package var roomCount: Int { rooms.count }
    package var memberCount: Int { members.count }

    /// Whether the seat is still taken.
    package func isTaken(_ seat: SeatID) -> Bool { members.contains(seat.handle) }

    /// By what right somebody has the seat; nil when it was given up.
    package func admission(of seat: SeatID) -> Admission? {
        members.contains(seat.handle) ? members[seat.handle].admission : nil
    }

    /// As whom the others of the room know the seat; nil when it was given up.
    package func participant(of seat: SeatID) -> Participant? {
        members.contains(seat.handle) ? members[seat.handle].participant : nil
    }

    /// The room of the seat; nil when it was given up.
    package func room(of seat: SeatID) -> RoomName? {
        members.contains(seat.handle) ? rooms[members[seat.handle].room].name : nil
    }

    /// How many participants the room of the seat takes; nil when it was given up.
    package func capacity(of seat: SeatID) -> Int? {
        members.contains(seat.handle) ? rooms[members[seat.handle].room].capacity : nil
    }

    /// How many are in the room of the seat, itself included; none when it was given up.
    package func memberCount(inRoomOf seat: SeatID) -> Int {
        members.contains(seat.handle) ? rooms[members[seat.handle].room].memberCount : 0
    }

    /// Visits everybody in the room of the seat, itself included, in the order of joining.
    package func forEachParticipant(inRoomOf seat: SeatID, _ body: (Participant) -> Void) {
        guard members.contains(seat.handle) else { return }
        forEachMember(of: members[seat.handle].room) { body(members[$0].participant) }
    }

    /// Everybody in the room of the seat, itself included, in the order of joining.
    package func endpoints(inRoomOf seat: SeatID) -> [EndpointID] {
        members.contains(seat.handle) ? endpoints(of: members[seat.handle].room, except: nil) : []
    }

    func forEachMember(of room: SlabHandle, _ body: (SlabHandle) -> Void) {
        var next = rooms[room].first
        while let handle = next {
            next = members[handle].next
            body(handle)
        }
    }

    // MARK: - Deliveries

    func endpoints(of room: SlabHandle, except absent: SlabHandle?) -> [EndpointID] {
        var endpoints: [EndpointID] = []
        endpoints.reserveCapacity(rooms[room].memberCount)
        forEachMember(of: room) { if $0 != absent { endpoints.append(members[$0].endpoint) } }
        return endpoints
    }

    /// Tells everybody in the room but one.
    mutating func tell(_ event: RoomEvent, in room: SlabHandle, except absent: SlabHandle?) {
        let recipients = endpoints(of: room, except: absent)
        guard !recipients.isEmpty else { return }
        outputs.append(.deliver(Delivery(event: event, recipients: recipients)))
    }
}
