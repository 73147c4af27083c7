import CLinux

/// The memory under the slots of a `ReceiveBatch`. A class because two own it: the batch that fills the slots, and the
/// `TransmitBatch` whose entries point into them until the flush.
@safe package final class SlotRegion {
    package let base: UnsafeMutableRawPointer
    package let slots: Int
    /// Bytes of a slot, and from one slot to the next.
    package let slotBytes: Int
    /// Slots below this number hold bytes that an unsent entry points to. Kept outside the object, so that reading it
    /// needs no exclusivity check.
    package let pinnedSlots: UnsafeMutablePointer<Int>

    package init(slots: Int, slotBytes: Int) {
        precondition(slots > 0 && slots <= 1024, "a batch is one system call, which takes at most 1024 datagrams")
        precondition(slotBytes % 4096 != 0, "slots at the same offset of a page would compete for the same cache sets")
        guard let mapped = unsafe tern_map_region(slots * slotBytes) else {
            preconditionFailure("no address space for a receive batch")
        }
        unsafe base = mapped
        self.slots = slots
        self.slotBytes = slotBytes
        unsafe pinnedSlots = .allocate(capacity: 1)
        unsafe pinnedSlots.initialize(to: 0)
    }

    deinit {
        unsafe tern_unmap_region(base, slots * slotBytes)
        unsafe pinnedSlots.deallocate()
    }
}
