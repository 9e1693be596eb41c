"""The official clients of other languages against the emulator."""
