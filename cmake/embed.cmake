# cmake -D OUT=page_files.c -P embed.cmake index.html page.css …
#
# Writes the files as C arrays, byte by byte, with what an HTTP server says of each: struct page_file of
# src/admin/web/page_files.h. The tag is made from the content, so that a browser asks again only for what changed.

set(types "html=text/html\; charset=utf-8" "css=text/css\; charset=utf-8" "js=text/javascript\; charset=utf-8"
	"svg=image/svg+xml")
set(arrays "")
set(rows "")
set(count 0)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
	set(file "${CMAKE_ARGV${i}}")
	cmake_path(GET file EXTENSION LAST_ONLY extension)
	string(REGEX REPLACE "^\\." "" extension "${extension}")
	set(type "")
	foreach(pair IN LISTS types)
		if(pair MATCHES "^${extension}=(.*)$")
			set(type "${CMAKE_MATCH_1}")
		endif()
	endforeach()
	if(type STREQUAL "")
		continue()
	endif()
	cmake_path(GET file FILENAME name)
	file(SHA256 "${file}" tag)
	string(SUBSTRING "${tag}" 0 16 tag)
	file(READ "${file}" bytes HEX)
	string(REGEX REPLACE "(................................)" "\\1\n\t" bytes "${bytes}")
	string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
	string(APPEND arrays "static const unsigned char file_${count}[] = {\n\t${bytes}0 };\n")
	string(APPEND rows "\t{ \"${name}\", \"${type}\", \"\\\"${tag}\\\"\", file_${count}, sizeof(file_${count}) - 1 },\n")
	math(EXPR count "${count} + 1")
endforeach()

file(WRITE "${OUT}" "/* Generated from src/admin/web/page by cmake/embed.cmake. Do not edit. */
#include \"admin/web/page_files.h\"

${arrays}
const struct page_file page_files[] = {
${rows}};
const size_t page_files_count = ${count};
")
