// The entry point of libFuzzer for programs that bring their own main; LLVM ships the library without a header for it.
#ifndef TERN_LIBFUZZER_H
#define TERN_LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

#endif
