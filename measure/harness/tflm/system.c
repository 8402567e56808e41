// What a system gives to C++: it has no console, no heap, and its objects are never destroyed.
void *__dso_handle;

void DebugLog(void) {}
int DebugVsnprintf(void) { return 0; }
void *_sbrk(int bytes) { return (void *)-1; }
int __aeabi_atexit(void *object, void (*destructor)(void *), void *handle) { return 0; }

void __cxa_pure_virtual(void) {
  for (;;) {
  }
}

// `operator delete`, without and with a size.
void _ZdlPv(void *place) {}
void _ZdlPvj(void *place, unsigned bytes) {}
