// TensorFlow Lite for Microcontrollers around one model: what the harness calls. It takes the interfaces from 2020 on.
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

#if defined(ZANT_OPERATORS)
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
typedef tflite::MicroMutableOpResolver<ZANT_OPERATORS> Resolver;
#elif __has_include("tensorflow/lite/micro/all_ops_resolver.h")
#include "tensorflow/lite/micro/all_ops_resolver.h"
typedef tflite::AllOpsResolver Resolver;
#else
#include "tensorflow/lite/micro/kernels/all_ops_resolver.h"
typedef tflite::ops::micro::AllOpsResolver Resolver;
#endif

#if __has_include("tensorflow/lite/micro/micro_error_reporter.h")
#include "tensorflow/lite/micro/micro_error_reporter.h"
typedef tflite::MicroErrorReporter Reporter;
#else
namespace tflite {
class ErrorReporter;
}
struct Reporter {};
#endif

namespace {

// Room for objects that are never destroyed, so that nothing runs before or after the harness.
template <typename T>
struct Room {
  alignas(T) unsigned char bytes[sizeof(T)];
};

Room<Resolver> resolver_room;
Room<Reporter> reporter_room;
Room<tflite::MicroInterpreter> interpreter_room;
tflite::MicroInterpreter* interpreter = nullptr;

typedef std::is_constructible<tflite::MicroInterpreter, const tflite::Model*, const Resolver&, uint8_t*, size_t,
                              tflite::ErrorReporter*>
    Reports;

// Interpreters took an object that reports errors until 2022.
template <typename I>
I* make(const tflite::Model* model, const Resolver& resolver, uint8_t* arena, size_t bytes, Reporter* reporter,
        std::true_type) {
  return new (interpreter_room.bytes) I(model, resolver, arena, bytes, reporter);
}

template <typename I>
I* make(const tflite::Model* model, const Resolver& resolver, uint8_t* arena, size_t bytes, Reporter*,
        std::false_type) {
  return new (interpreter_room.bytes) I(model, resolver, arena, bytes);
}

void* data(TfLiteTensor* tensor, size_t bytes) {
  return tensor != nullptr && tensor->bytes == bytes ? tensor->data.raw : nullptr;
}

}  // namespace

extern "C" {

// Makes the interpreter and gives tensors their places; 0 where it could.
int zant_tflm_start(const void* model, void* arena, size_t bytes) {
  Resolver* resolver = new (resolver_room.bytes) Resolver;
#if defined(ZANT_OPERATORS)
#include "operators.inc"
#endif
  Reporter* reporter = new (reporter_room.bytes) Reporter;
  interpreter = make<tflite::MicroInterpreter>(tflite::GetModel(model), *resolver, static_cast<uint8_t*>(arena), bytes,
                                               reporter, Reports());
  return interpreter->AllocateTensors() == kTfLiteOk ? 0 : 1;
}

// Where an input or an output lies; null where it has another number of bytes.
void* zant_tflm_input(size_t index, size_t bytes) { return data(interpreter->input(index), bytes); }
void* zant_tflm_output(size_t index, size_t bytes) { return data(interpreter->output(index), bytes); }

// Computes; 0 where it could.
int zant_tflm_invoke() { return interpreter->Invoke() == kTfLiteOk ? 0 : 1; }

// How much of the arena is in use.
size_t zant_tflm_used() { return interpreter->arena_used_bytes(); }
}
