import NetworkPrimitives
import TURN
import TestSupport
import Testing

@Suite("RFC 8016 §7 — tickets")
struct TicketAuthorityTests {
    private let authority = TicketAuthority(secret: Array("ticket secret".utf8))
    private let ticket = MobilityTicket(mobility: MobilityID(rawValue: 0x0102_0304_0506_0708), serial: 9, owner: 77)

    private func bytes(_ ticket: MobilityTicket) -> [UInt8] {
        let sealed = authority.seal(ticket)
        return sealed.span.bytes.array()
    }

    @Test("what was sealed is read again, and the same looks the same", .requirement("R8016-7-1"))
    func opens() {
        #expect(authority.open(bytes(ticket).span.bytes) == ticket)
        #expect(bytes(ticket) == bytes(ticket))
    }

    @Test("tickets that differ in a bit have nothing in common", .requirement("R8016-7-1"))
    func unlike() {
        let next = MobilityTicket(mobility: ticket.mobility, serial: ticket.serial + 1, owner: ticket.owner)
        let (first, second) = (bytes(ticket), bytes(next))
        #expect(zip(first, second).count { $0 == $1 } < 8)
        // Nothing of what is sealed shows.
        #expect(!first.contains([1, 2, 3, 4, 5, 6, 7, 8]))
        #expect(!first.contains([0, 0, 0, 9]))
    }

    @Test("another length, another secret and any changed bit are refused", .requirement("R8016-7-1"))
    func refuses() {
        let sealed = bytes(ticket)
        #expect(authority.open(Array(sealed.dropLast()).span.bytes) == nil)
        #expect(authority.open((sealed + [0]).span.bytes) == nil)
        let other = TicketAuthority(secret: Array("ticket secreu".utf8))
        #expect(other.open(sealed.span.bytes) == nil)
        for bit in 0..<sealed.count * 8 {
            var changed = sealed
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(authority.open(changed.span.bytes) == nil)
        }
    }

    @Test("names stand apart")
    func owners() {
        #expect(authority.owner(Array("alice".utf8)) != authority.owner(Array("alicf".utf8)))
        #expect(authority.owner([]) == authority.owner([]))
    }
}
