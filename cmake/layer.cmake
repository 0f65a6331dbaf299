# resnet_layer(NAME USES targets... [INSIDE targets...] [EXCEPT files...]): the static library resnet_NAME of the sources
# under src/NAME. USES are seen by everyone who links it, INSIDE only by its own sources. Files under an isa/ folder are
# left to resnet_isa_copies; those under an amx/ folder are compiled for AMX and run only where it is.
function(resnet_layer name)
  cmake_parse_arguments(layer "" "" "USES;INSIDE;EXCEPT" ${ARGN})
  set(folder ${PROJECT_SOURCE_DIR}/src/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  foreach(file ${layer_EXCEPT})
    list(REMOVE_ITEM sources ${folder}/${file})
  endforeach()
  set(isa_sources ${sources})
  list(FILTER isa_sources INCLUDE REGEX "/isa/[^/]*$")
  list(FILTER sources EXCLUDE REGEX "/isa/[^/]*$")
  set(amx_sources ${sources})
  list(FILTER amx_sources INCLUDE REGEX "/amx/[^/]*$")
  set_property(SOURCE ${amx_sources} APPEND PROPERTY COMPILE_OPTIONS -march=x86-64-v4 -mprefer-vector-width=512
               -mavx512bf16 -mamx-tile -mamx-bf16 -ffp-contract=fast)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)  # its own header of AVX-512 intrinsics, GCC bug 105593
    set_property(SOURCE ${amx_sources} APPEND PROPERTY COMPILE_OPTIONS -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  if(sources)
    add_library(resnet_${name} STATIC ${sources})
    target_link_libraries(resnet_${name} PUBLIC ${layer_USES} PRIVATE ${layer_INSIDE})
    set(scope PUBLIC)
    set_property(GLOBAL APPEND PROPERTY resnet_layers resnet_${name})
  else()
    add_library(resnet_${name} INTERFACE)
    target_link_libraries(resnet_${name} INTERFACE ${layer_USES})
    set(scope INTERFACE)
  endif()
  target_include_directories(resnet_${name} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>)
  if(sources AND isa_sources)
    resnet_isa_copies(resnet_${name} ${isa_sources})
  endif()
endfunction()

# resnet_isa_copies(TARGET files...): compiles each file once for every instruction set and puts all copies into TARGET.
# RESNET_ISA is defined as baseline, avx2, avx512 or avx512_bf16; the file must wrap all it defines in a namespace of
# that name (or an unnamed one inside it), and which copy runs is decided at run time. Inline functions and templates
# shared with other files (standard containers, for example) must stay out of such a file: the linker keeps one copy of
# them for the whole program, and it may be one that this machine cannot execute.
function(resnet_isa_copies target)
  set(flags_baseline "")
  set(instruction_sets baseline)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(flags_baseline -march=x86-64)
    set(flags_avx2 -march=x86-64-v3)
    set(flags_avx512 -march=x86-64-v4 -mprefer-vector-width=512)
    list(APPEND instruction_sets avx2 avx512)
    if(target STREQUAL resnet_runtime)  # its kernels on bf16 images
      set(flags_avx512_bf16 ${flags_avx512} -mavx512bf16)
      list(APPEND instruction_sets avx512_bf16)
    endif()
  endif()
  get_target_property(used ${target} LINK_LIBRARIES)
  foreach(isa ${instruction_sets})
    set(copies ${target}_${isa})
    add_library(${copies} OBJECT ${ARGN})
    # Vectors are passed between functions of one file only, all compiled alike.
    target_compile_options(${copies} PRIVATE ${flags_${isa}} -ffp-contract=fast -Wno-psabi)
    target_compile_definitions(${copies} PRIVATE RESNET_ISA=${isa})
    target_include_directories(${copies} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${copies} PRIVATE ${used})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${copies}>)
    set_property(GLOBAL APPEND PROPERTY resnet_layers ${copies})
  endforeach()
endfunction()
