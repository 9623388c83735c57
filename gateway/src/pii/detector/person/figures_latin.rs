//! More public figures, in Latin letters where the spelling does not follow from the Cyrillic one, and firms and things
//! that are named like persons.

/// Full names, first name first.
pub(super) const LATIN: &str = "
ninety one, fitzwilliam darcy, jane bennet, charles bingley, emma woodhouse, jane eyre, edward rochester, catherine
earnshaw, rhett butler, jay gatsby, daisy buchanan, nick carraway, holden caulfield, scout finch, martin eden, dorian
gray, oliver twist, david copperfield, ebenezer scrooge, uriah heep, tom sawyer, huckleberry finn, huck finn, robinson
crusoe, lemuel gulliver, hester prynne, captain ahab, moby dick, jean valjean, edmond dantes, don quixote, sancho
panza, gregor samsa, victor frankenstein, john watson, irene adler, hercule poirot, jane marple, james moriarty, bilbo
baggins, frodo baggins, samwise gamgee, luke skywalker, anakin skywalker, darth vader, bruce wayne, lois lane, peter
parker, steve rogers, bruce banner, homer simpson, walter white, jesse pinkman, jim halpert, dwight schrute, sheldon
cooper, leonard hofstadter, rachel green, chandler bing, joey tribbiani, phoebe buffay, cersei lannister, daenerys
targaryen, ron weasley, ginny weasley, albus dumbledore, severus snape, hermione granger, sirius black, tom riddle,
neville longbottom, katniss everdeen, peeta mellark, bella swan, edward cullen, forrest gump, rocky balboa, john rambo,
indiana jones, jack sparrow, will turner, jack dawson, michael corleone, hannibal lecter, clarice starling, tyler
durden, john wick, ellen ripley, sarah connor, john connor, marty mcfly, emmett brown, ferris bueller, mary poppins,
willy wonka, charlie bucket, matilda wormwood, winnie pooh, christopher robin, donald duck, bugs bunny, charlie brown,
guy montag, nathan drake, arthur morgan, john marston, mario luigi, eleanor rigby, billie jean, peggy sue, pierre
bezukhov, eugene onegin, romeo montague, juliet capulet, lady macbeth, king lear, john deere, morgan stanley, goldman
sachs, earl grey, marks spencer, mark spencer, ralph lauren, calvin klein, louis vuitton, jack daniels, jack daniel,
johnnie walker, johnny walker, jim beam, mary kay, yves rocher, yves laurent, ernst young, merrill lynch, jp morgan,
charles schwab, raymond james, price waterhouse, arthur andersen, bain capital, baker mckenzie, baker hughes, procter
gamble, rolls royce, harley davidson, hewlett packard, mercedes benz, ted baker, fred perry, lee cooper, helly hansen,
jack wolfskin, eddie bauer, tory burch, kate spade, michael kors, marc jacobs, jimmy choo, steve madden, hugo boss,
giorgio armani, emporio armani, gianni versace, ermenegildo zegna, pierre cardin, christian dior, christian louboutin,
coco chanel, nina ricci, paco rabanne, jean gaultier, carolina herrera, estee lauder, helena rubinstein, bobbi brown,
jo malone, charlotte tilbury, rimmel london, jessica simpson, vera wang, tiffany co, harry winston, van cleef,
frederique constant, patek philippe, ulysse nardin, raymond weil, daniel wellington, baume mercier, alexander mcqueen,
stella mccartney, vivienne westwood, donna karan, oscar renta, dr martens, uncle ben, aunt jemima, betty crocker, tim
hortons, taco bell, dairy queen, papa john, papa johns, jack box, carl junior, long john, captain morgan, don julio,
jose cuervo, moet chandon, dom perignon, george dickel, william grant, glen grant, earl gray, lady grey, philip morris,
robert bosch, werner siemens, levi strauss, black decker, smith wesson, dow jones, standard poor, moody investor, ernst
whinney, deloitte touche, mckinsey company, booz allen, mary jane, jersey shore, georgia pacific, victoria secret,
victoria park, victoria station, victoria street, katrina hurricane, hurricane katrina, hurricane harvey, hurricane
ian, hurricane sandy, hurricane irma, granny smith, pink lady, red rose, royal gala, jonathan apple, johnny appleseed,
santa ana, santa fe, santa clara, santa cruz, san antonio, san jose, san francisco, saint petersburg, saint john, mount
cook, mount elbert, lake victoria, lake george, lake charles, fort knox, fort worth, port arthur, port elizabeth, new
jersey, carson city, jefferson city, kansas city, dodge city, austin texas, paris texas, houston texas, dallas texas,
jordan river, sierra leone, sierra nevada, costa rica, rio grande, marie celeste, mary celeste, clara barton, grace
kelly, dolly parton, johnny cash, frank sinatra, bob marley, janis joplin, keith richards, george harrison, david
bowie, elton john, phil collins, eric clapton, ozzy osbourne, kurt cobain, bruce springsteen, tina turner, whitney
houston, mariah carey, celine dion, shania twain, justin bieber, justin timberlake, katy perry, miley cyrus, selena
gomez, kylie jenner, snoop dogg, amy winehouse, enrique iglesias, jennifer lopez, britney spears, lady gaga, billie
eilish, bruno mars, beyonce knowles, stevie wonder, ray charles, louis armstrong, duke ellington, nina simone, ella
fitzgerald, miles davis, john coltrane, luciano pavarotti, andrea bocelli, charles babbage, george boole, vint cerf,
david huffman, richard hamming, alonzo church, stephen kleene, kurt godel goedel, john mccarthy, tony hoare, niklaus
wirth, robert tarjan, stephen cook, leslie lamport, ron rivest, whitfield diffie, ralph merkle, bruce schneier, daniel
bernstein, phil zimmermann, philip zimmermann, julian assange, edward snowden, richard stallman, brian kernighan, larry
wall, anders hejlsberg, erich gamma, john vlissides, ward cunningham, grady booch, james rumbaugh, ivar jacobson, gene
kim, jez humble, michael feathers, sandi metz, dan abramov, evan you, ryan dahl, guillermo rauch, graydon hoare, chris
lattner, simon peyton, paul graham, jeff dean, sanjay ghemawat, yoshua bengio, jurgen schmidhuber, fei-fei li, daniela
amodei, mira murati, mustafa suleyman, ray kurzweil, eliezer yudkowsky, stuart russell, peter norvig, judea pearl, john
hopfield, frank rosenblatt, norbert wiener, ian goodfellow, ashish vaswani, noam shazeer, leo breiman, trevor hastie,
robert tibshirani, jerome friedman, bradley efron, john tukey, karl pearson, francis galton, thomas bayes, andrey
markov, leonhard euler, bernhard riemann, david hilbert, emmy noether, henri poincare, evariste galois, niels abel,
blaise pascal, rene descartes, pierre fermat, pierre laplace, joseph lagrange, joseph fourier, augustin cauchy,
gottfried leibniz, john nash, paul erdos, terence tao, andrew wiles, roger penrose, benoit mandelbrot, ernest
rutherford, james maxwell, paul dirac, wolfgang pauli, werner heisenberg, erwin schrodinger schroedinger, robert
oppenheimer, hans bethe, edward teller, peter higgs, edwin hubble, tycho brahe, johannes kepler, nicolaus copernicus,
antoine lavoisier, john dalton, linus pauling, rosalind franklin, james watson, francis crick, alexander fleming,
edward jenner, robert koch, carl linnaeus, richard dawkins, jane goodall, alexander bell, samuel morse, guglielmo
marconi, rudolf diesel, karl benz, gottlieb daimler, orville wright, wilbur wright, sigmund freud, carl jung, carl
rogers, jean piaget, ivan pavlov, john dewey, benjamin bloom, howard gardner, david kolb, philip zimbardo, stanley
milgram, daniel kahneman, john keynes, paul krugman, joseph stiglitz, friedrich hayek, ludwig mises, joseph schumpeter,
paul samuelson, herbert simon, michael porter, peter drucker, stephen covey, dale carnegie, andrew carnegie, john
rockefeller, frederick taylor, edwards deming, taiichi ohno, jack welch, jack ma, jack dorsey, michael dell, steve
ballmer, gordon moore, reed hastings, peter thiel, evan spiegel, changpeng zhao, dave cutler, margaret mead, max weber,
emile durkheim, michel foucault, jean rousseau, jean sartre, simone beauvoir, albert camus, bertrand russell, ludwig
wittgenstein, thomas kuhn, hannah arendt, georg hegel, arthur schopenhauer, baruch spinoza, john locke, thomas hobbes,
david hume, john mill, jeremy bentham, noam chomsky, yuval harari, malcolm gladwell, nassim taleb, scott fitzgerald,
john steinbeck, william faulkner, theodore dreiser, sinclair lewis, herman melville, henry thoreau, walt whitman,
nathaniel hawthorne, washington irving, harper lee, truman capote, jack kerouac, dan brown, george martin, robert
heinlein, frank herbert, howard lovecraft, neil gaiman, douglas adams, herbert wells, aldous huxley, anthony burgess,
william golding, graham greene, john fowles, iris murdoch, ian mcewan, kazuo ishiguro, somerset maugham, bernard shaw,
joseph conrad, robert stevenson, walter scott, george eliot, charlotte bronte, mary shelley, percy shelley, lord byron,
john keats, william wordsworth, william blake, robert burns, john milton, geoffrey chaucer, christopher marlowe, lewis
carroll, roald dahl, rudyard kipling, beatrix potter, enid blyton, samuel beckett, sylvia plath, toni morrison, maya
angelou, margaret atwood, alice munro, gabriel marquez, jorge borges, paulo coelho, dante alighieri, marcel proust,
gustave flaubert, honore balzac, alexandre dumas, emile zola, antoine exupery, johann goethe, friedrich schiller,
hermann hesse, stefan zweig, bertolt brecht, henrik ibsen, hans andersen, yukio mishima, alexander solzhenitsyn, joseph
brodsky, harry truman, dwight eisenhower, lyndon johnson, gerald ford, herbert hoover, woodrow wilson, andrew jackson,
ulysses grant, james madison, james monroe, john adams, alexander hamilton, henry kissinger, condoleezza rice, colin
powell, madeleine albright, john kerry, mike pence, mike pompeo, antony blinken, nancy pelosi, bernie sanders, mitt
romney, john mccain, dick cheney, rupert murdoch, jeffrey epstein, harvey weinstein, jacqueline kennedy, michelle
obama, melania trump, ivanka trump, king charles, prince charles, prince william, prince harry, kate middleton, meghan
markle, queen victoria, anne boleyn, mary stuart, oliver cromwell, william wallace, guy fawkes, francis drake, horatio
nelson, benjamin disraeli, neville chamberlain, clement attlee, gordon brown, david cameron, theresa may, liz truss,
keir starmer, nigel farage, justin trudeau, mark carney, jacinda ardern, benjamin netanyahu, yasser arafat, muammar
gaddafi, antonio guterres, ban ki-moon, christine lagarde, jerome powell, janet yellen, alan greenspan, ursula leyen,
jens stoltenberg, mark rutte, malala yousafzai, helmut kohl, willy brandt, gerhard schroder, joseph goebbels, heinrich
himmler, hermann goring goering, anne frank, francois mitterrand, jacques chirac, nicolas sarkozy, francois hollande,
marine pen, charles gaulle, josip tito, slobodan milosevic, nicolae ceausescu, lech walesa, salvador allende, hugo
chavez, javier milei, emiliano zapata, ernesto guevara, indira gandhi, jawaharlal nehru, rabindranath tagore, imran
khan, shinzo abe, kim jong-un, chiang kai-shek, sun yat-sen, deng xiaoping, hu jintao, li keqiang, zhou enlai, lee
kuan, ho chi, aung san, ferdinand marcos, rodrigo duterte, mahathir mohamad, hamid karzai, ruhollah khomeini, rafael
grossi, boris becker, steffi graf, venus williams, andy murray, carlos alcaraz, jannik sinner, aryna sabalenka, iga
swiatek, andres iniesta, sergio ramos, luka modric, zlatan ibrahimovic, erling haaland, harry kane, wayne rooney,
steven gerrard, frank lampard, thierry henry, michel platini, johan cruyff, franz beckenbauer, gerd muller, roberto
baggio, luis figo, jose mourinho, pep guardiola, carlo ancelotti, alex ferguson, jurgen klopp, gianni infantino, alain
prost, lewis hamilton, max verstappen, sebastian vettel, charles leclerc, michael schumacher, lance armstrong, wayne
gretzky, sidney crosby, alexander ovechkin, larry bird, magic johnson, stephen curry, kevin durant, tom brady, babe
ruth, tiger woods, joe frazier, george foreman, evander holyfield, tyson fury, anthony joshua, manny pacquiao, floyd
mayweather, canelo alvarez, conor mcgregor, jon jones, joe rogan, carl lewis, jesse owens, simone biles, nadia
comaneci, mark spitz, mo farah, buster keaton, marlene dietrich, vivien leigh, clark gable, humphrey bogart, cary
grant, james dean, paul newman, al pacino, jack nicholson, dustin hoffman, anthony hopkins, michael douglas, meryl
streep, sigourney weaver, nicole kidman, jodie foster, cate blanchett, kate winslet, cameron diaz, sharon stone, demi
moore, natalie portman, anne hathaway, charlize theron, jennifer aniston, jennifer lawrence, keira knightley, emma
watson, emma stone, maggie smith, hugh laurie, hugh grant, hugh jackman, colin firth, daniel craig, sean connery,
pierce brosnan, liam neeson, ralph fiennes, christian bale, heath ledger, joaquin phoenix, ryan gosling, ryan reynolds,
chris evans, chris hemsworth, chris pratt, scarlett johansson, kristen stewart, margot robbie, timothee chalamet,
cillian murphy, jude law, russell crowe, jason statham, vin diesel, dwayne johnson, samuel jackson, denzel washington,
morgan freeman, eddie murphy, whoopi goldberg, oprah winfrey, ellen degeneres, jim carrey, adam sandler, matthew
mcconaughey, woody allen, edward norton, kevin spacey, bruce willis, nicolas cage, matt damon, george clooney, martin
scorsese, francis coppola, george lucas, james cameron, ridley scott, tim burton, david lynch, david fincher, peter
jackson, stanley kubrick, orson welles, clint eastwood, sylvester stallone, chuck norris, jean-claude van-damme, akira
kurosawa, sergio leone, monica bellucci, catherine deneuve, brigitte bardot, alain delon, jean reno, gerard depardieu,
penelope cruz, javier bardem, daniel radcliffe, rupert grint, emilia clarke, benedict cumberbatch, martin freeman,
naomi campbell, cindy crawford, heidi klum, gigi hadid, claude debussy, georges bizet, franz liszt, franz schubert,
robert schumann, felix mendelssohn, johannes brahms, gustav mahler, richard wagner, richard strauss, johann strauss,
joseph haydn, george handel, antonin dvorak, edvard grieg, giuseppe verdi, giacomo puccini, gioachino rossini, frederic
chopin, hans zimmer, pyotr tchaikovsky, sergei rachmaninoff, paul cezanne, edouard manet, edgar degas, pierre-auguste
renoir, auguste rodin, paul gauguin, henri matisse, edvard munch, jan vermeer, hieronymus bosch, albrecht durer,
francisco goya, diego velazquez, frida kahlo, joan miro, antoni gaudi, sandro botticelli, andy warhol, jackson pollock,
francis bacon, roger bacon, david hockney, damien hirst, william turner, john constable, wassily kandinsky, marc
chagall, sergei eisenstein, anna pavlova, bakhytzhan sagintayev, alexander bublik, alimkhan yermekov, kenesary khan,
genghis khan, chinggis khan, kublai khan, abu nasr, al farabi, khan tengri
";
