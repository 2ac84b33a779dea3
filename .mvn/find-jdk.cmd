@rem Finds a JDK that can build and run Luciole, and sets JAVA_HOME to it: what find-jdk.sh is for other systems.
@rem The first of these that is a JDK 21 or later is taken: JAVA_HOME, the places of javac on the PATH, and the folders
@rem where installers, IntelliJ IDEA and Scoop put JDKs. Where there is none: one sentence, and exit status 1.
@if defined JAVA_HOME call :fits "%JAVA_HOME%" && exit /b 0
@for /f "delims=" %%J in ('where javac 2^>nul') do @call :fits "%%~dpJ.." && exit /b 0
@for /d %%J in ("%ProgramFiles%\Eclipse Adoptium\*" "%ProgramFiles%\Java\*" "%ProgramFiles%\Microsoft\jdk*" "%ProgramFiles%\Amazon Corretto\*" "%ProgramFiles%\Zulu\*" "%ProgramFiles%\BellSoft\*" "%USERPROFILE%\.jdks\*" "%USERPROFILE%\scoop\apps\*jdk*\current") do @call :fits "%%~J" && exit /b 0
@echo luciole needs a JDK 21 or later and found none (looked at JAVA_HOME, PATH, %ProgramFiles%, %USERPROFILE%\.jdks, Scoop): install one, for instance with 'winget install EclipseAdoptium.Temurin.21.JDK', or set JAVA_HOME.>&2
@exit /b 1

:fits
@if not exist "%~1\bin\javac.exe" exit /b 1
@set luciole_jdk=0
@for /f "tokens=2 delims==" %%V in ('findstr /b "JAVA_VERSION=" "%~1\release" 2^>nul') do @for /f "delims=.-+ " %%N in (%%V) do @set luciole_jdk=%%~N
@if %luciole_jdk% lss 21 exit /b 1
@set "JAVA_HOME=%~f1"
@exit /b 0
