"""The line that says where the measurement is and how long it will take."""
import sys
import time


class Progress:
    """Estimates what remains from what was done, in units of planned seconds."""

    def __init__(self, planned, output=sys.stderr):
        self.planned = planned
        self.done = 0.0
        self.started = time.monotonic()
        self.output = output
        self.is_terminal = output.isatty()

    def tell(self, text):
        line = f"{text}{self._remaining()}"
        if self.is_terminal:
            self.output.write(f"\r\x1b[2K{line}")
        else:
            self.output.write(line + "\n")
        self.output.flush()

    def advance(self, planned):
        self.done += planned

    def end(self):
        if self.is_terminal:
            self.output.write("\r\x1b[2K")
        minutes = (time.monotonic() - self.started) / 60
        self.output.write(f"measured for {minutes:.1f} min\n")

    def _remaining(self):
        elapsed = time.monotonic() - self.started
        # The plan is right to a quarter or so; a little experience is worth more.
        pace = elapsed / self.done if self.done > 20 else 1.0
        seconds = max(0.0, self.planned - self.done) * pace
        return f"; about {seconds / 60:.0f} min left" if seconds >= 90 else f"; about {seconds:.0f} s left"
