/// What the reference model holds a server to. Each is a sentence of an RFC or a promise of ours, seen from outside.
package enum Rule: String, CaseIterable, Sendable {
    // Answers (RFC 8489 §6.3.1, §9.2.4).
    /// One request, one answer at most.
    case answeredTwice
    /// An answer goes where the request came from, from where it went to.
    case answeredElsewhere
    /// An answer has the method and the transaction id of its request.
    case answeredSomethingElse
    /// Whoever proves who he is, with a nonce that holds, is answered.
    case unanswered
    /// Padding that is not zero tells what the buffer held before (RFC 8489 §14).
    case leakingPadding
    /// Only a request is answered, and only data is relayed.
    case unexpectedOutput
    /// TURN succeeds only for somebody who knows the password and has a nonce of ours.
    case successWithoutAuthentication
    /// The answer to an authenticated request is made with the same key.
    case badIntegrity
    /// An ephemeral name that has run out makes no allocation.
    case expiredCredential

    /// Who was put out is served nothing, and who has left nothing that outlives the name.
    case servedRefused
    /// 401 for somebody who has shown all there is to show, with a name that holds.
    case refusedInForce

    // Before authentication.
    /// An answer is not longer than what a challenge needs.
    case amplified
    /// One source is not answered more often than configured.
    case overReplyRate

    // Allocations (RFC 8656 §7, §8).
    case sharedRelayedAddress
    case relayedAddressReusedAtOnce
    case retransmissionDiffers
    case secondAllocation
    case wrongLifetime
    case wrongAddress
    case overQuota
    /// 486 for somebody who holds less than the quota, reserved ports included.
    case refusedWithinQuota
    case brokenReservation
    case successWithoutAllocation
    /// 437 while the allocation lives.
    case lostAllocation
    /// 437 to an Allocate on a five-tuple without an allocation.
    case phantomAllocation
    case successForNonsense

    // Data (RFC 8656 §9, §11, §12).
    case relayedWithoutAllocation
    case relayedWithoutPermission
    case relayedWithoutChannel
    case relayedTwice
    case relayedElsewhere
    case payloadAltered
    case wrongFraming
    /// Allocation and permission live, and yet nothing is relayed.
    case notRelayed
    /// An ICMP error is reported only of a permitted peer that was sent to.
    case strayICMP
}
