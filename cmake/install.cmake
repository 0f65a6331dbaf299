# What `cmake --install` puts down: the program, one static library made of all layers, the headers, and the files that
# let find_package(resnet) find them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(layers GLOBAL PROPERTY resnet_layers)
list(REMOVE_ITEM layers resnet_cli)
set(objects ${layers})
list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
add_library(resnet_library STATIC ${objects})
set_target_properties(resnet_library PROPERTIES OUTPUT_NAME resnet EXPORT_NAME resnet LINKER_LANGUAGE CXX)
target_compile_features(resnet_library INTERFACE cxx_std_20)
# include/ for <resnet/resnet.hpp>, include/resnet/ because the headers name each other as "base/error.hpp".
target_include_directories(resnet_library INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
                                                    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/resnet>)
target_link_libraries(resnet_library INTERFACE fmt::fmt nlohmann_json::nlohmann_json Threads::Threads OneDNN::OneDNN
                                               PNG::PNG JPEG::JPEG WebP::webp WebP::webpdemux ZLIB::ZLIB Libmd::Libmd ${CMAKE_DL_LIBS}
                                               tomlplusplus::tomlplusplus)

install(TARGETS resnet_library EXPORT resnet)
if(TARGET resnet)
  install(TARGETS resnet)
endif()
install(FILES src/resnet.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/resnet)
foreach(layer base graph runtime models formats data fetch report train study)
  install(DIRECTORY src/${layer} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/resnet FILES_MATCHING PATTERN *.hpp
          PATTERN runtime/cpu EXCLUDE PATTERN runtime/reference EXCLUDE PATTERN data/decoders EXCLUDE)
endforeach()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/resnet)
install(EXPORT resnet NAMESPACE resnet:: FILE resnetTargets.cmake DESTINATION ${package_folder})
configure_package_config_file(cmake/resnetConfig.cmake.in resnetConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(resnetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/resnetConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/resnetConfigVersion.cmake
              cmake/FindLibmd.cmake cmake/FindOneDNN.cmake cmake/FindWebP.cmake DESTINATION ${package_folder})
